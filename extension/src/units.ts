/** Decimal units, as the model hubs show them: 98 MB, 1.1 GB. */
export function sizeText(bytes: number): string {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  if (bytes < 1e9) return `${Math.round(bytes / 1e6)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

export function speedText(speed: { readonly prefill: number; readonly decode: number }): string {
  return `writes ${rate(speed.decode)} and reads ${rate(speed.prefill)} tokens/s`;
}

function rate(tokensPerSecond: number): string {
  return tokensPerSecond < 10 ? tokensPerSecond.toFixed(1) : Math.round(tokensPerSecond).toString();
}
