/** A configuration was refused or did not come up; the last good one serves on. */
export class EdgeRefusedError extends Error {
  readonly code = 'EDGE_REFUSED';
}
