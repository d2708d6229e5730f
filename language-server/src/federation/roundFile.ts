import type { RoundSettings } from '#protocol/federation/messages.ts';
import { roundFilePath } from '#protocol/federation/roundDefaults.ts';
import { parseRoundFile } from '#protocol/federation/roundFile.ts';
import { type RoundTeam, settingsOf } from '#protocol/federation/roundOverlay.ts';
import { readRepositoryFile } from './repositoryFile.ts';

export type WantedRound =
  | { readonly ok: true; readonly settings: RoundSettings; readonly hasFile: boolean }
  /** `message`: a sentence that names the file, the field and what is allowed. */
  | { readonly ok: false; readonly message: string };

/** The settings of a team's rounds: the repository's `.argot/round.json` over the defaults, or these alone. */
export async function wantedRound(repository: string, team: RoundTeam, signal: AbortSignal): Promise<WantedRound> {
  const read = await readRepositoryFile(repository, roundFilePath, signal);
  if (read.kind === 'unreadable') return { ok: false, message: read.message };
  const hasFile = read.kind === 'text';
  const refused = (complaint: string): WantedRound => ({ ok: false, message: `${roundFilePath}: ${complaint}` });
  const parsed = parseRoundFile(hasFile ? read.text : '{}');
  if (!parsed.ok) return refused(parsed.complaint);
  const outcome = settingsOf(parsed.file, team);
  return outcome.ok ? { ok: true, settings: outcome.settings, hasFile } : refused(outcome.complaint);
}
