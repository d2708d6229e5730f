import { streamWords } from './maskStream.ts';

/** For each member, by place in the cohort, its neighbours in ascending order. */
export type Graph = readonly (readonly number[])[];

/** Cohorts up to this size have the complete graph, and all of their members on the committee. */
export const smallCohort = 32;

/** docs/protocol.md, “Degree”. */
export function degreeFor(members: number, minimumCohort: number): number {
  if (members <= smallCohort) return members - 1;
  const degree = Math.min(members - 1, Math.max(smallCohort, 3 * (minimumCohort - 1)));
  return (degree * members) % 2 === 0 ? degree : degree + 1;
}

/**
 * Complete where the degree allows, else a random regular graph by switching: Cooper, Dyer and Greenhill, “Sampling
 * regular graphs and a peer-to-peer network”, 2007. `members · degree` is even.
 */
export function neighbourGraph(members: number, degree: number, seed: Uint8Array): Graph {
  if (degree >= members - 1) return adjacency(members, completeEdges(members));
  const below = uniformBelow(seed);
  const edges = circulantEdges(members, degree);
  do switchEdges(members, edges, below);
  while (!isConnected(adjacency(members, edges), everybody(members)));
  return adjacency(members, edges);
}

/** Everybody where there are few, else 32 drawn by the seed, in ascending order. */
export function drawCommittee(members: number, seed: Uint8Array): readonly number[] {
  const places = everybody(members);
  if (members <= smallCohort) return places;
  const below = uniformBelow(seed);
  for (let i = 0; i < smallCohort; i++) {
    const j = i + below(members - i);
    const [a, b] = [at(places, i), at(places, j)];
    places[i] = b;
    places[j] = a;
  }
  return places.slice(0, smallCohort).sort((a, b) => a - b);
}

/** Whether the graph among the members given hangs together. */
export function isConnected(graph: Graph, among: readonly number[]): boolean {
  const left = new Set(among);
  const waiting = among.slice(0, 1);
  for (const member of waiting) left.delete(member);
  for (let member = waiting.pop(); member !== undefined; member = waiting.pop()) {
    for (const neighbour of graph[member] ?? []) {
      if (left.delete(neighbour)) waiting.push(neighbour);
    }
  }
  return left.size === 0;
}

/** How many of a member's neighbours are in the set. */
export function neighboursAmong(graph: Graph, member: number, among: ReadonlySet<number>): number {
  return (graph[member] ?? []).reduce((count, each) => count + (among.has(each) ? 1 : 0), 0);
}

/** Uniform integers below a bound, by rejection, from the words of a seed's stream. */
function uniformBelow(seed: Uint8Array): (bound: number) => number {
  const word = streamWords(seed);
  return (bound) => {
    const limit = Math.floor(2 ** 32 / bound) * bound;
    for (;;) {
      const drawn = word();
      if (drawn < limit) return drawn % bound;
    }
  };
}

type Edge = readonly [number, number];

function completeEdges(members: number): Edge[] {
  return everybody(members).flatMap((i) => everybody(i).map((j): Edge => [j, i]));
}

function circulantEdges(members: number, degree: number): Edge[] {
  const edges: Edge[] = [];
  const add = (i: number, step: number) => {
    const j = (i + step) % members;
    edges.push(i < j ? [i, j] : [j, i]);
  };
  for (let i = 0; i < members; i++) for (let step = 1; step <= degree >> 1; step++) add(i, step);
  if (degree % 2 === 1) for (let i = 0; i < members / 2; i++) add(i, members / 2);
  return edges.sort(([a, b], [c, d]) => a - c || b - d);
}

/** Ten switches for each edge, in place. */
function switchEdges(members: number, edges: Edge[], below: (bound: number) => number): void {
  const name = (a: number, b: number) => Math.min(a, b) * members + Math.max(a, b);
  const there = new Set(edges.map(([a, b]) => name(a, b)));
  for (let attempt = 0; attempt < 10 * edges.length; attempt++) {
    const [a, b, swapped] = [below(edges.length), below(edges.length), below(2) === 1];
    const [p, q] = at(edges, a);
    const [first, second] = at(edges, b);
    const [r, w] = swapped ? [second, first] : [first, second];
    const fourDifferent = p !== r && p !== w && q !== r && q !== w;
    if (!fourDifferent || there.has(name(p, w)) || there.has(name(r, q))) continue;
    there.delete(name(p, q));
    there.delete(name(r, w));
    there.add(name(p, w));
    there.add(name(r, q));
    edges[a] = [p, w];
    edges[b] = [r, q];
  }
}

function adjacency(members: number, edges: readonly Edge[]): Graph {
  const graph: number[][] = everybody(members).map(() => []);
  for (const [a, b] of edges) {
    graph[a]?.push(b);
    graph[b]?.push(a);
  }
  for (const neighbours of graph) neighbours.sort((a, b) => a - b);
  return graph;
}

function everybody(members: number): number[] {
  return Array.from({ length: members }, (_, i) => i);
}

function at<Value>(list: readonly Value[], place: number): Value {
  const value = list[place];
  if (value === undefined) throw new RangeError(`There is no place ${place} in a list of ${list.length}.`);
  return value;
}
