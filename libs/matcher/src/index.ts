export { type AppChange, changeApp, changeOffer, describeChange } from './app-change.js';
export {
  type ConstraintInput,
  checkConstraint,
  fieldValue,
  type Site,
  type Verdict,
} from './constraints.js';
export {
  explainWaiting,
  type ReasonCount,
  type RefusingAgent,
  type SeenOffer,
  summariseLacks,
  type WaitExplanation,
} from './explain-waiting.js';
export { type FoundRefusal, findAllRefusals, type Lack } from './find-refusals.js';
export {
  forecastPlacement,
  MAX_FORECAST_LAUNCHES,
  type PlacementForecast,
} from './forecast-placement.js';

export { matchOffer } from './match-offer.js';
export {
  type MatchableOffer,
  type MatchContext,
  type MatchedLaunch,
  type OfferMatch,
  type PlacedInstance,
  REFUSAL_REASONS,
  type Refusal,
  type RefusalReason,
  type ResourcePool,
  type WaitingApp,
} from './offer.js';
export { assignPorts, mix, type PortAssignment, wantedPorts } from './ports.js';
export type { RepairContext } from './repair.js';
export type { Suggestion, SuggestionInput } from './suggest-changes.js';
