import { type Layer, lockDown } from '../policy/layers.ts';
import {
  type Accepted,
  type OrganisationFault,
  type OrganisationState,
  organisationState,
} from '../policy/organisationPolicy.ts';
import type { OrganisationAnchor } from '../policy/policyDocument.ts';
import type { OrganisationMemory } from './organisationMemory.ts';

/** A file that is merely older than the one that is remembered is what a slow distribution looks like, not an attack. */
const forgeries: readonly OrganisationFault[] = ['malformed', 'signature', 'forked'];

/**
 * The organisation's layers from the file beside the admin file, where there is one, and from the copy of the newest that
 * was ever accepted. A newer version is on disk before it counts, so that no crash lets it go back.
 */
export async function organisationLayers(
  file: Uint8Array | undefined,
  pinned: OrganisationAnchor | undefined,
  memory: OrganisationMemory,
  log: (message: string) => void,
): Promise<readonly Layer[]> {
  if (pinned === undefined) return [];
  const remembered = await memory.recall(pinned.key);
  if (remembered.kind === 'damaged') {
    const reason = `What Argot remembers of the organisation’s policy, ${remembered.path}, can’t be read. Learning, federation and the network are off until the file is restored.`;
    return [lockDown('organisation', reason), ...held(organisationState(file, pinned, undefined))];
  }
  const [highest, copy] =
    remembered.kind === 'accepted' ? [remembered.accepted, remembered.file] : [undefined, undefined];
  const given = organisationState(file, pinned, highest);
  const kept = organisationState(copy, pinned, highest);
  if (file !== undefined && 'accepted' in given && isNewer(given.accepted, highest)) {
    await memory.remember(pinned.key, given.accepted, file).catch((error: unknown) => log(String(error)));
    return held(given);
  }
  const isForged = given.state === 'lockedDown' && file !== undefined && forgeries.includes(given.reason);
  const standing = held(kept);
  if (standing.length > 0) return isForged ? [...standing, given.layer] : standing;
  return given.state === 'none' ? [] : [given.layer];
}

function isNewer(accepted: Accepted | undefined, highest: Accepted | undefined): accepted is Accepted {
  return accepted !== undefined && accepted.version > (highest?.version ?? -1);
}

/** What was signed and is not too old, understood or not. */
function held(state: OrganisationState): readonly Layer[] {
  return state.state !== 'none' && state.accepted !== undefined ? [state.layer] : [];
}
