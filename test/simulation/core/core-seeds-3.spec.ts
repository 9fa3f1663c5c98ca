import { testCoreSeeds } from './core-seeds.js';

testCoreSeeds(2);
