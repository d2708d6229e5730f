import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import type { Joined } from './join.ts';
import { type Link, type Session, type Supervisor, supervise } from './supervisor.ts';

/** A server that can be killed, and a window that keeps to it. */
function world(joins: () => Joined = alwaysJoins) {
  const links: Link[] = [];
  const ended: number[] = [];
  let kill: () => void = () => undefined;
  let sessions = 0;
  const supervisor: Supervisor = supervise({
    join: async () => joins(),
    open: async (): Promise<Session> => {
      const number = ++sessions;
      let close: () => void = () => undefined;
      const closed = new Promise<void>((resolve) => {
        close = resolve;
      });
      kill = close;
      return {
        closed,
        end: async () => {
          ended.push(number);
          close();
        },
      };
    },
    report: (link) => links.push(link),
  });
  return { links, ended, supervisor, kill: () => kill(), sessions: () => sessions };
}

function alwaysJoins(): Joined {
  return {
    kind: 'joined',
    socket: new Socket(),
    greeting: { argot: 'greeting', protocol: 1, version: '1.0.0', pid: 1 },
  };
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(holds()).toBe(true);
}

it('connects again soon and silently after the server was killed', async () => {
  const { links, kill, sessions, supervisor } = world();
  await until(() => sessions() === 1 && links.at(-1)?.kind === 'connected');
  const begun = performance.now();
  kill();
  await until(() => sessions() === 2);
  expect(performance.now() - begun).toBeGreaterThan(150);
  expect(performance.now() - begun).toBeLessThan(2000);
  expect(links.filter((link) => link.kind === 'lost')).toMatchObject([{ tell: false }]);
  await supervisor.stop();
});

it('waits for the developer after a failure that trying again can’t mend, and says so once', async () => {
  let attempts = 0;
  const { links, supervisor } = world(() => {
    attempts++;
    return { kind: 'failed', code: 'foreign', final: true, message: 'a stranger' };
  });
  await until(() => links.at(-1)?.kind === 'lost');
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(attempts).toBe(1);
  expect(links.at(-1)).toEqual({ kind: 'lost', code: 'foreign', message: 'a stranger', tell: true });
  supervisor.restart();
  await until(() => attempts === 2);
  await supervisor.stop();
});

it('restarts at once when asked, ending the session that there is', async () => {
  const { links, ended, sessions, supervisor } = world();
  await until(() => links.at(-1)?.kind === 'connected');
  supervisor.restart();
  await until(() => sessions() === 2);
  expect(ended).toEqual([1]);
  expect(links.some((link) => link.kind === 'lost')).toBe(false);
  await supervisor.stop();
});

it('ends its session when it stops, and starts no other', async () => {
  const { links, ended, sessions, supervisor } = world();
  await until(() => links.at(-1)?.kind === 'connected');
  await supervisor.stop();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(ended).toEqual([1]);
  expect(sessions()).toBe(1);
});

it('survives a session that fails to open', async () => {
  const links: Link[] = [];
  let opens = 0;
  const supervisor = supervise({
    join: async () => alwaysJoins(),
    open: async () => {
      opens++;
      throw new Error('initialize failed');
    },
    report: (link) => links.push(link),
  });
  await until(() => opens === 2);
  expect(links).toContainEqual({ kind: 'lost', code: 'closed', message: 'initialize failed', tell: false });
  await supervisor.stop();
});
