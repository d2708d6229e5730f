import UPlot from 'uplot';

export interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly colour: 'blue' | 'green' | 'orange' | 'red';
  /** Told from others without colour: in high contrast, and by who sees colours otherwise. */
  readonly dash?: readonly number[];
  readonly bars?: boolean;
  readonly points?: boolean;
}

export interface ChartSpec {
  /** What a screen reader says instead of the picture. */
  readonly label: string;
  /** Seconds since 1970, ascending. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly unit: (value: number) => string;
}

const height = 190;

/** Draws into `place`, as wide as it is; returns how to take the chart away. */
export function drawChart(place: HTMLElement, { label, times, series, unit }: ChartSpec): () => void {
  place.setAttribute('role', 'img');
  place.setAttribute('aria-label', label);
  const colours = getComputedStyle(document.body);
  const colour = (name: string, fallback: string): string => colours.getPropertyValue(name).trim() || fallback;
  const foreground = colour('--vscode-editor-foreground', 'currentColor');
  const grid = { stroke: colour('--vscode-editorWidget-border', foreground), width: 1 };
  const axis = { stroke: foreground, grid, ticks: grid, font: `12px ${colour('--vscode-font-family', 'sans-serif')}` };
  const widthOf = (): number => Math.max(240, place.clientWidth);
  const chart = new UPlot(
    {
      width: widthOf(),
      height,
      cursor: { drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: padded },
        y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] },
      },
      axes: [
        { ...axis, values: (_, splits) => splits.map(dayText), space: 70 },
        { ...axis, values: (_, splits) => splits.map(unit), size: 76 },
      ],
      series: [
        { value: (_, time) => (time === null ? '–' : dayText(time)) },
        ...series.map((each) => line(each, colour(`--vscode-charts-${each.colour}`, foreground), unit)),
      ],
    },
    [[...times], ...series.map(({ values }) => [...values])],
    place,
  );
  const watch = new ResizeObserver(() => chart.setSize({ width: widthOf(), height }));
  watch.observe(place);
  return () => {
    watch.disconnect();
    chart.destroy();
    place.replaceChildren();
  };
}

function line({ label, dash, bars, points }: Series, stroke: string, unit: (value: number) => string): UPlot.Series {
  const paths = bars ? UPlot.paths.bars?.({ size: [0.6, 28] }) : undefined;
  return {
    label,
    stroke,
    width: 2,
    ...(dash === undefined ? {} : { dash: [...dash] }),
    ...(paths === undefined ? {} : { paths, fill: stroke }),
    points: { show: points ?? !bars, size: 6, stroke, fill: stroke },
    value: (_, value) => (value === null ? '–' : unit(value)),
  };
}

/** Half a day of room at both sides, so that one day is no line at the edge. */
function padded(_: UPlot, low: number, high: number): [number, number] {
  return [low - 43_200, high + 43_200];
}

function dayText(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString([], { month: 'short', day: 'numeric' });
}
