// A table of tides: when is the water high enough to leave the harbour?

interface Tide {
  readonly time: string;
  readonly heightMetres: number;
}

const tides: readonly Tide[] = [
  { time: '03:40', heightMetres: 4.1 },
  { time: '09:55', heightMetres: 0.9 },
  { time: '16:05', heightMetres: 4.4 },
  { time: '22:20', heightMetres: 0.7 },
];

function highest(tides: readonly Tide[]): Tide | undefined {
  let best: Tide | undefined;
  for (const tide of tides) {
    if (best === undefined || tide.heightMetres > best.heightMetres) {
      best = tide;
    }
  }
  return best;
}

function lowest(tides: readonly Tide[]): Tide | undefined {
  let best: Tide | undefined;
  for (const tide of tides) {
    // Try it here: type “if ” and wait for the suggestion.
    
  }
  return best;
}

const draughtMetres = 1.8;
const safe = tides.filter((tide) => tide.heightMetres > draughtMetres);

console.log('High water:', highest(tides)?.time);
console.log('Low water:', lowest(tides)?.time);
console.log('Safe to leave:', safe.map((tide) => tide.time).join(', '));
