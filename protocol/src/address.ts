import { createHash } from 'node:crypto';

/** What the address depends on; both sides read it from their own process. */
export interface Machine {
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's number; undefined on Windows. */
  readonly uid: number | undefined;
  readonly userName: string;
  readonly userHome: string;
  /** The system's folder for temporary files. */
  readonly temporary: string;
}

/** Where the server of this user listens. */
export type Address =
  /** `folder` must belong to the user with mode 0700 before the socket in it is trusted. */
  | { readonly kind: 'socket'; readonly folder: string; readonly path: string }
  /** Any process may open a pipe of this name first, so each side proves that it can read `tokenFile`. */
  | { readonly kind: 'pipe'; readonly path: string; readonly tokenFile: string };

/** A socket's path must fit in `sockaddr_un`: 104 bytes on macOS, 108 on Linux, with the final zero. */
const maxSocketPathBytes = 100;

/** The folder that holds models, logs and the store. */
export function homeFolder(machine: Machine): string {
  const { env, platform, userHome } = machine;
  if (env.ARGOT_HOME) return env.ARGOT_HOME;
  if (platform === 'win32') return `${env.LOCALAPPDATA ?? `${userHome}\\AppData\\Local`}\\Argot`;
  if (platform === 'darwin') return `${userHome}/Library/Application Support/Argot`;
  return `${env.XDG_DATA_HOME || `${userHome}/.local/share`}/argot`;
}

/** What the server writes before and beside LSP: the file that a newly started server's output goes to. */
export function logFile(machine: Machine): string {
  return `${homeFolder(machine)}${machine.platform === 'win32' ? '\\' : '/'}server.log`;
}

/**
 * One address per user and machine. `ARGOT_HOME` gives a server of its own, so that tests and second installations
 * don't meet the user's.
 */
export function serverAddress(machine: Machine): Address {
  const home = machine.env.ARGOT_HOME;
  if (machine.platform === 'win32') {
    const name = hash(`${machine.userName}\n${home ?? ''}`);
    return { kind: 'pipe', path: `\\\\.\\pipe\\argot-${name}`, tokenFile: `${homeFolder(machine)}\\run\\token` };
  }
  const fallback = `argot-${machine.uid ?? hash(machine.userName)}`;
  const folders = home
    ? // A hash keeps homes apart whose own path is too long for a socket.
      [`${home}/run`, ...temporaryFolders(machine, `${fallback}-${hash(home)}`)]
    : [
        ...(machine.env.XDG_RUNTIME_DIR ? [`${machine.env.XDG_RUNTIME_DIR}/argot`] : []),
        ...temporaryFolders(machine, fallback),
      ];
  const folder = folders.find((each) => Buffer.byteLength(socketIn(each)) <= maxSocketPathBytes) ?? `/tmp/${fallback}`;
  return { kind: 'socket', folder, path: socketIn(folder) };
}

function socketIn(folder: string): string {
  return `${folder}/server.sock`;
}

/** `/tmp` last: it is short and always there, where a build system's temporary folder may be too deep. */
function temporaryFolders(machine: Machine, name: string): string[] {
  return [`${machine.temporary.replace(/\/+$/, '')}/${name}`, `/tmp/${name}`];
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** What the server's folder must be before anything in it is trusted; `undefined` is a good folder. */
export function folderComplaint(
  folder: string,
  stat: { readonly isDirectory: boolean; readonly uid: number; readonly mode: number },
  uid: number | undefined,
): string | undefined {
  if (!stat.isDirectory) return `${folder} is not a folder. Remove it, and Argot makes a folder there.`;
  if (uid !== undefined && stat.uid !== uid) {
    return `The folder ${folder} belongs to another user (number ${stat.uid}), so Argot does not use it. Ask for its removal, or set ARGOT_HOME to a folder of your own.`;
  }
  if ((stat.mode & 0o077) !== 0) {
    return `Other users may open the folder ${folder}, so Argot does not use it. Run: chmod 700 "${folder}"`;
  }
  return undefined;
}
