/** A node of bhyve's configuration: an nvlist(9) of strings and nodes, in the order in which they were set. */
export interface ConfigNode {
  readonly entries: Map<string, string | ConfigNode>;
  /** A null was once added to it. From then on an nvlist takes nothing, and whoever looks inside is aborted. */
  isBroken: boolean;
}

export const emptyNode = (): ConfigNode => ({ entries: new Map(), isBroken: false });
