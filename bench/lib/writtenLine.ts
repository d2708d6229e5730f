import type { StopRule } from '../../language-server/src/completion/stop.ts';
import type { Engine, GenerateRequest } from '../../language-server/src/engine/engine.ts';

/** What the model writes after `required`, until the stop rule ends it. */
export async function writtenLine(
  engine: Pick<Engine, 'generate'>,
  request: Omit<GenerateRequest, 'onText'>,
  stop: StopRule,
  signal: AbortSignal,
): Promise<string> {
  let said = '';
  await engine.generate(
    {
      ...request,
      onText(text) {
        said = text.slice(request.required.length);
        const stopped = stop(said);
        if (stopped !== null) said = stopped.text;
        return stopped !== null;
      },
    },
    signal,
  );
  return said;
}
