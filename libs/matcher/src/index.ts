export {
  type ConstraintInput,
  checkConstraint,
  fieldValue,
  type Site,
  type Verdict,
} from './constraints.js';
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
