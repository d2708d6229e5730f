import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const patienceMs = 5000;

/** Whether the machine is on mains. A machine that does not tell has no battery, or is as good as plugged in. */
export async function onMains(
  platform: string = process.platform,
  supplies = '/sys/class/power_supply',
): Promise<boolean> {
  try {
    if (platform === 'linux') return await linuxOnMains(supplies);
    if (platform === 'darwin') {
      const { stdout } = await run('pmset', ['-g', 'batt'], { timeout: patienceMs });
      return !stdout.includes("'Battery Power'");
    }
    if (platform === 'win32') {
      // 1 is “discharging”; without a battery nothing is printed.
      const script = '(Get-CimInstance Win32_Battery).BatteryStatus';
      const { stdout } = await run('powershell', ['-NoProfile', '-Command', script], { timeout: patienceMs });
      return stdout.trim() !== '1';
    }
  } catch {
    // Said above.
  }
  return true;
}

async function linuxOnMains(folder: string): Promise<boolean> {
  const read = (name: string, file: string) => readFile(join(folder, name, file), 'utf8').then((text) => text.trim());
  let discharging = false;
  for (const name of await readdir(folder)) {
    const type = await read(name, 'type').catch(() => '');
    if ((type === 'Mains' || type === 'USB') && (await read(name, 'online').catch(() => '')) === '1') return true;
    if (type === 'Battery' && (await read(name, 'status').catch(() => '')) === 'Discharging') discharging = true;
  }
  return !discharging;
}
