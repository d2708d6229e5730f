export type Built = {
    readonly ok: true;
    readonly trainer: string;
    readonly makeModel: string;
    readonly kernelsTest: string;
    readonly gemmPeak: string;
} | {
    readonly ok: false;
    readonly missing: string;
};
/**
 * @param {{ readonly sanitize?: boolean, readonly force?: boolean, readonly log?: (line: string) => void, readonly signal?: AbortSignal }} [options]
 * @returns {Promise<Built>}
 */
export declare function buildNative({ sanitize, force, log, signal }?: {
    readonly sanitize?: boolean;
    readonly force?: boolean;
    readonly log?: (line: string) => void;
    readonly signal?: AbortSignal;
}): Promise<Built>;
