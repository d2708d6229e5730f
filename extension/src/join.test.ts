import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import type { Contact } from './connection.ts';
import { joinServer } from './join.ts';

const never = new AbortController().signal;

function joined(): Contact {
  return {
    kind: 'joined',
    socket: new Socket(),
    greeting: { argot: 'greeting', protocol: 1, version: '1.0.0', pid: 1 },
  };
}

/** Answers in turn; the last one stays. */
function answers(...list: Contact[]): () => Promise<Contact> {
  let next = 0;
  return async () => list[Math.min(next++, list.length - 1)] ?? { kind: 'absent' };
}

it('starts one server and waits until it listens', async () => {
  let launches = 0;
  const outcome = await joinServer(
    {
      contact: answers({ kind: 'absent' }, { kind: 'absent' }, { kind: 'absent' }, joined()),
      launch: () => {
        launches++;
        return { pid: 1, ended: () => undefined };
      },
      lastWords: () => '',
    },
    never,
  );
  expect(outcome.kind).toBe('joined');
  expect(launches).toBe(1);
});

it('starts none while an older one leaves', async () => {
  const outcome = await joinServer(
    {
      contact: answers({ kind: 'leaving' }, { kind: 'leaving' }, joined()),
      launch: () => {
        throw new Error('started one');
      },
      lastWords: () => '',
    },
    never,
  );
  expect(outcome.kind).toBe('joined');
});

it('joins the server of another window that won the race for the address', async () => {
  const outcome = await joinServer(
    {
      contact: answers({ kind: 'absent' }, joined()),
      launch: () => ({ pid: 1, ended: () => 'exit code 0' }),
      lastWords: () => '',
    },
    never,
  );
  expect(outcome.kind).toBe('joined');
});

it('reports a server that ends as soon as it starts, with its last words', async () => {
  let launches = 0;
  const outcome = await joinServer(
    {
      contact: answers({ kind: 'absent' }),
      launch: () => {
        launches++;
        return { pid: 1, ended: () => 'exit code 1' };
      },
      lastWords: () => 'Cannot find module',
    },
    never,
  );
  expect(outcome).toMatchObject({ kind: 'failed', code: 'launch', final: false });
  expect(outcome.kind === 'failed' && outcome.message).toContain('Cannot find module');
  expect(launches).toBe(3);
});

it('gives up on a server that never listens', async () => {
  const outcome = await joinServer(
    {
      contact: answers({ kind: 'absent' }),
      launch: () => ({ pid: 1, ended: () => undefined }),
      lastWords: () => '',
      limitMs: 150,
    },
    never,
  );
  expect(outcome).toMatchObject({ kind: 'failed', code: 'timeout' });
});

it('hands a refusal on without trying again', async () => {
  let contacts = 0;
  const outcome = await joinServer(
    {
      contact: async () => {
        contacts++;
        return { kind: 'refused', code: 'foreign', message: 'a stranger' };
      },
      launch: () => ({ pid: 1, ended: () => undefined }),
      lastWords: () => '',
    },
    never,
  );
  expect(outcome).toEqual({ kind: 'failed', code: 'foreign', final: true, message: 'a stranger' });
  expect(contacts).toBe(1);
});
