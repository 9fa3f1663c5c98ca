export { createProber, type ProberOptions } from './prober.js';
