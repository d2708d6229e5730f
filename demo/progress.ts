import { lastSaid, type MemberHandle } from './memberHandle.ts';

/** One line for each member, drawn over itself in a terminal; elsewhere a line when a member gets further. */
export interface ProgressView extends Disposable {
  draw(): void;
}

const barWidth = 24;

export function progressView(members: readonly MemberHandle[], round: number, out: NodeJS.WriteStream): ProgressView {
  let drawn = 0;
  const shown = new Map<string, string>();
  const draw = (): void => {
    const lines = members.map((member) => lineOf(member, round));
    if (out.isTTY) {
      out.write(`${drawn > 0 ? `\x1b[${drawn}A` : ''}${lines.map((line) => `\x1b[2K${line}\n`).join('')}`);
      drawn = lines.length;
      return;
    }
    for (const [i, member] of members.entries()) {
      const state = stateOf(member, round);
      if (shown.get(member.name) !== state) out.write(`${lines[i]}\n`);
      shown.set(member.name, state);
    }
  };
  const timer = setInterval(draw, 200);
  return {
    draw,
    [Symbol.dispose]() {
      clearInterval(timer);
      draw();
    },
  };
}

function lineOf(member: MemberHandle, round: number): string {
  const progress = lastSaid(member, 'progress');
  const isThis = progress?.round === round;
  const done = stateOf(member, round) !== 'trains' && stateOf(member, round) !== 'waits';
  const share = done ? 1 : isThis ? progress.step / progress.steps : 0;
  const full = Math.round(share * barWidth);
  const bar = '█'.repeat(full) + '░'.repeat(barWidth - full);
  const speed = isThis && !done ? ` ${progress.tokensPerSecond.toFixed(0)} tokens/s` : '';
  return `  ${member.name.padEnd(6)} ${bar} ${stateOf(member, round)}${speed}`;
}

function stateOf(member: MemberHandle, round: number): string {
  const standing = lastSaid(member, 'standing')?.standing;
  if (standing?.round === round) {
    const { kind, judgement } = standing;
    if (kind === 'judged') {
      if (judgement?.adopt === true) return 'votes for the new adapter';
      const suspicion = judgement?.suspicion;
      const why = suspicion && `: ${suspicion.choice} is ${suspicion.times.toFixed(0)} times likelier`;
      return `votes against it${why ?? ''}`;
    }
    if (kind === 'uploaded') return 'has uploaded';
    if (kind === 'released') return 'has served the committee';
    return kind === 'notTrained' ? `could not train: ${standing.message ?? ''}` : kind;
  }
  return lastSaid(member, 'progress')?.round === round ? 'trains' : 'waits';
}
