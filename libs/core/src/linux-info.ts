/** The name of a file in a folder of the agent: of a profile of system calls. */
export const PROFILE_NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,255}$/;

/** Bound of ours: no host has so much shared memory. */
export const MAX_SHM_MIB = 1_000_000_000;
