import { errorCode, errorMessage, type Fault } from '../engine/faults.ts';
import { LedgerBroken } from '../ledger/chainFile.ts';
import { PolicyForbids } from '../policy/policyService.ts';

/** An answer that leads nowhere; `message` goes on from “answered with”. */
export class BadRedirect extends Error {}

/** `message` is the address that can't be understood. */
export class BadProxy extends Error {}

const unreachable = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EHOSTDOWN',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const certificateCodes = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS/;

/** What an error that a request threw means for the user. */
export function networkFault(error: unknown, host: string): Fault {
  if (error instanceof PolicyForbids) return { code: 'policy', message: error.message, refusal: error.refusal };
  if (error instanceof LedgerBroken) return { code: 'ledger', message: error.message };
  if (error instanceof BadProxy) {
    return {
      code: 'proxy',
      message: `The proxy address “${withoutPassword(error.message)}” can't be understood. Write it as http://host:port in the setting http.proxy or in HTTPS_PROXY.`,
    };
  }
  if (error instanceof BadRedirect) {
    return {
      code: 'webPage',
      message: `${host} answered with ${error.message}: often the sign-in page of a network. Open a browser, sign in, and try again.`,
    };
  }
  const codes = causes(error).map(errorCode);
  const text = causes(error).map(errorMessage).join(' ');
  if (/\b407\b|Proxy/i.test(text)) {
    return {
      code: 'proxy',
      message: `The proxy refused the connection to ${host} (${text.trim()}). Check http.proxy, with user name and password if it wants them.`,
    };
  }
  if (codes.some((code) => certificateCodes.test(code))) {
    return {
      code: 'certificate',
      message: `The certificate of ${host} is not trusted on this machine. If your network inspects traffic, set NODE_EXTRA_CA_CERTS to its certificate file.`,
    };
  }
  if (codes.some((code) => unreachable.has(code))) {
    return {
      code: 'offline',
      message: `${host} can't be reached. Check the network and the proxy setting, or import a model file that you have.`,
    };
  }
  return {
    code: 'interrupted',
    message: `The connection to ${host} broke (${errorMessage(error)}). Try again: the download goes on where it stopped.`,
  };
}

/** What a status that is neither 200 nor 206 means. */
export function statusFault(status: number, url: string): Fault {
  const { host } = new URL(url);
  if (status === 404 || status === 410) {
    return {
      code: 'notFound',
      message: `${host} has no such file (${status}). Update Argot, or choose another model.`,
    };
  }
  if (status === 401 || status === 403) {
    return {
      code: 'notAuthorised',
      message: `${host} gives this file only to signed-in users (${status}). Download it in a browser and import the file.`,
    };
  }
  if (status === 407) {
    return {
      code: 'proxy',
      message: 'The proxy wants a user name and password (407). Add them to the setting http.proxy.',
    };
  }
  return { code: 'serverError', message: `${host} answered with an error (${status}). Try again later.` };
}

/** An error, its causes, and the errors of each address that was tried. */
function causes(error: unknown): readonly unknown[] {
  if (error instanceof AggregateError) return [error, ...error.errors.flatMap(causes)];
  return error instanceof Error && error.cause !== undefined ? [error, ...causes(error.cause)] : [error];
}

function withoutPassword(address: string): string {
  return address.replace(/\/\/[^@/]*@/, '//');
}
