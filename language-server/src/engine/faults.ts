import type { PolicyRefusal } from '../policy/decisions.ts';

/** Why a model could not be had. Closed: whoever shows it may decide by code what to offer. */
export type FaultCode =
  | 'cancelled'
  | 'offline'
  | 'proxy'
  | 'certificate'
  | 'notFound'
  | 'notAuthorised'
  | 'serverError'
  | 'interrupted'
  | 'webPage'
  | 'wrongSize'
  | 'wrongChecksum'
  | 'notAModel'
  | 'fileMissing'
  | 'noSpace'
  | 'readOnly'
  | 'disk'
  | 'noPip'
  | 'pipFailed'
  | 'unknownModel'
  | 'policy'
  | 'ledger';

/** `message` is one or two sentences for the user: what happened, and what to do. */
export interface Fault {
  readonly code: FaultCode;
  readonly message: string;
  /** Where `code` is `policy`. */
  readonly refusal?: PolicyRefusal;
}

export type Outcome<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly fault: Fault };

export function failed(code: FaultCode, message: string): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault: { code, message } };
}

export const cancelled: Fault = { code: 'cancelled', message: 'The transfer was cancelled. Start it again to go on.' };

/** Faults of this machine's disk: another source would meet them again. */
export function isDiskFault(fault: Fault): boolean {
  return fault.code === 'noSpace' || fault.code === 'readOnly' || fault.code === 'disk';
}

/** The `code` of a system error; empty for anything else that was thrown. */
export function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function diskFault(error: unknown, path: string): Fault {
  switch (errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return {
        code: 'noSpace',
        message: `The disk is full: ${path} could not be written. Free some space and try again.`,
      };
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return {
        code: 'readOnly',
        message: `Argot may not write to ${path}. Give yourself write access, or set ARGOT_HOME to another folder.`,
      };
    default:
      return {
        code: 'disk',
        message: `${path} could not be written (${errorMessage(error)}). Check the disk, or set ARGOT_HOME to another folder.`,
      };
  }
}

/** Sizes in messages, as download pages give them: powers of 1000. */
export function inWords(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}
