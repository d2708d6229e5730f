import { describe, expect, it } from 'vitest';
import { hex } from './bytes.ts';
import { newSigningKeys } from './keys.ts';
import { nextRoster, readMembership } from './membership.ts';
import { signMessage } from './signedMessage.ts';
import { newMemberKeys, signedCard, simulatedTeam } from './simulatedTeam.ts';

const team = simulatedTeam(0);
const { anchors, lead } = team;
const { federation } = anchors;
const someone = newMemberKeys();
const join = signMessage({ type: 'join', federation, name: 'Ada' }, someone.signing);
const approve = (previous: Parameters<typeof nextRoster>[1], key = someone.signing.publicKey) =>
  nextRoster(federation, previous, { kind: 'approve', key, name: 'Ada' }, lead)!;

describe('readMembership', () => {
  it('shows who waits until the lead lets them in, in any order of messages', () => {
    const waiting = readMembership([join], anchors);
    expect(waiting.joining.map(({ body }) => body.name)).toEqual(['Ada']);
    const roster = approve(undefined);
    for (const messages of [
      [join, roster],
      [roster, join],
    ]) {
      const now = readMembership(messages, anchors);
      expect(now.joining).toEqual([]);
      expect(now.roster?.body).toMatchObject({ version: 1, previous: null });
    }
  });

  it('keeps the newest roster and the newest card, whatever comes later', () => {
    const first = approve(undefined);
    const one = readMembership([first], anchors).roster;
    const second = nextRoster(federation, one, { kind: 'remove', key: someone.signing.publicKey }, lead)!;
    expect(readMembership([second, first], anchors).roster?.body).toMatchObject({ version: 2, members: [] });
    expect(readMembership([first], anchors, readMembership([second], anchors).roster).roster?.body.version).toBe(2);
    const cards = [3, 1, 2].map((generation) => signedCard(anchors, { ...someone, generation }));
    const { cards: read } = readMembership(cards, anchors);
    expect(read.get(hex(someone.signing.publicKey))?.card.body.generation).toBe(3);
  });

  it('forgets the cards of who left, until there is a later one', () => {
    const leave = signMessage({ type: 'leave', federation, generation: 1 }, someone.signing);
    const card = (generation: number) => signedCard(anchors, { ...someone, generation });
    expect(readMembership([leave, card(0), card(1)], anchors).cards.size).toBe(0);
    expect(readMembership([leave, card(0), card(2)], anchors).cards.size).toBe(1);
  });

  it('takes no roster from anybody but the lead', () => {
    const other = newSigningKeys();
    const forged = nextRoster(federation, undefined, { kind: 'approve', key: other.publicKey, name: 'Eve' }, other)!;
    expect(readMembership([forged], anchors).roster).toBeUndefined();
  });
});
