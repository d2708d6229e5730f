import { type Layer, lockDown } from './layers.ts';
import { type OrganisationAnchor, organisationAnchorSchema, readPolicy, sentenceOf } from './policyDocument.ts';

/** Who may write something, as the system says it. */
export type Access =
  | { readonly system: 'posix'; readonly uid: number; readonly mode: number }
  /** Security identifiers of the owner and of all that the access list lets write, delete or change it. */
  | { readonly system: 'windows'; readonly owner: string; readonly writers: readonly string[] };

/**
 * What the loader found at the admin file's path. The loader must
 *
 * - open the file without following a link (`O_NOFOLLOW`), and take owner, mode and content from that one open handle, so
 *   that nobody can exchange it in between;
 * - give `access` and `symlink` of every folder above it too, up to the root;
 * - say `absent` only where the system says that there is no such file: anything else that fails is `unreadable`;
 * - keep the last layer that held and pass it to `effectivePolicy` beside one that is locked down: limits that can no
 *   longer be read still hold;
 * - look again within a second of a change, and at least once a minute, since not every file system tells of changes.
 */
export type AdminFile =
  | { readonly found: 'absent' }
  | { readonly found: 'unreadable'; readonly path: string; readonly why: string }
  | {
      readonly found: 'present';
      readonly path: string;
      readonly regular: boolean;
      readonly symlink: boolean;
      readonly access: Access;
      readonly folders: readonly { readonly path: string; readonly symlink: boolean; readonly access: Access }[];
      readonly content: Uint8Array;
    };

export type AdminFileState =
  | { readonly state: 'none' }
  | { readonly state: 'holds'; readonly layer: Layer; readonly organisation: OrganisationAnchor | undefined }
  | {
      readonly state: 'lockedDown';
      readonly reason: AdminFileFault;
      readonly layer: Layer;
      readonly organisation: OrganisationAnchor | undefined;
    };

export type AdminFileFault = 'unreadable' | 'notAFile' | 'symlink' | 'wrongOwner' | 'writableByOthers' | 'malformed';

/** SYSTEM, Administrators and TrustedInstaller. */
const windowsAdmins = ['S-1-5-18', 'S-1-5-32-544', 'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464'];

/**
 * The layer that the admin file makes. A file that cannot be relied on locks down; what can be read of it still counts
 * where only its author can have written it, since it can only make things stricter.
 */
export function adminFileState(file: AdminFile): AdminFileState {
  if (file.found === 'absent') return { state: 'none' };
  if (file.found === 'unreadable') return fault(file.path, 'unreadable', `cannot be read (${file.why})`);
  const untrusted = distrust(file);
  if (untrusted !== undefined) return fault(file.path, untrusted.reason, untrusted.why);

  const { limits, complaints, rest } = readPolicy(file.content, ['organisation']);
  const anchor = organisationAnchorSchema.optional().safeParse(rest.organisation);
  const all = anchor.success ? complaints : [...complaints, `“organisation” ${sentenceOf(anchor.error)}`];
  if (all.length === 0) return { state: 'holds', layer: { name: 'admin', limits }, organisation: anchor.data };
  const layer = lockDown('admin', sentence(file.path, `is not valid: ${all.join('; ')}`), limits);
  return { state: 'lockedDown', reason: 'malformed', layer, organisation: anchor.data };
}

function distrust(
  file: Extract<AdminFile, { found: 'present' }>,
): { readonly reason: AdminFileFault; readonly why: string } | undefined {
  if (file.symlink) return { reason: 'symlink', why: 'is a symbolic link' };
  if (!file.regular) return { reason: 'notAFile', why: 'is not a regular file' };
  for (const { path, symlink, access } of [...file.folders, file]) {
    const what = path === file.path ? '' : `lies in ${path}, which `;
    if (symlink) return { reason: 'symlink', why: `${what}is a symbolic link` };
    if (!ownedByAdmin(access))
      return { reason: 'wrongOwner', why: `${what}belongs to somebody who is no administrator` };
    if (!writableByAdminOnly(access)) return { reason: 'writableByOthers', why: `${what}can be changed by others` };
  }
  return undefined;
}

function ownedByAdmin(access: Access): boolean {
  return access.system === 'posix' ? access.uid === 0 : windowsAdmins.includes(access.owner);
}

function writableByAdminOnly(access: Access): boolean {
  // The group counts as others: who is in it is not known here.
  if (access.system === 'posix') return (access.mode & 0o022) === 0;
  return access.writers.every((writer) => windowsAdmins.includes(writer));
}

function fault(path: string, reason: AdminFileFault, why: string): AdminFileState {
  return { state: 'lockedDown', reason, layer: lockDown('admin', sentence(path, why)), organisation: undefined };
}

function sentence(path: string, why: string): string {
  return `The admin policy ${path} ${why}. Learning, federation and the network are off until an administrator corrects it.`;
}
