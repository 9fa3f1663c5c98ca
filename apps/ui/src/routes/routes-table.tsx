import { Fragment, useState } from 'react';
import { Link } from 'react-router';
import type { EdgeRoute } from '../api/route-types.js';
import { Icon } from '../shell/icons.js';
import {
  addressesOf,
  disagreement,
  formatErrors,
  formatMs,
  formatRate,
  instanceSentence,
  routeTone,
} from './route-words.js';

export function RoutesTable({ routes }: { readonly routes: readonly EdgeRoute[] }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (id: string) => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    setOpen(next);
  };
  return (
    <div className="pc-table-wrap">
      <table className="pc-table pc-table--routes" aria-label="Routes">
        <thead>
          <tr>
            <th scope="col">Route</th>
            <th scope="col">Application</th>
            <th scope="col">Instances</th>
            <th scope="col" className="pc-num">
              Requests/s
            </th>
            <th scope="col" className="pc-num">
              Latency
            </th>
            <th scope="col" className="pc-num">
              Errors
            </th>
            <th scope="col" className="pc-wide">
              Served by
            </th>
          </tr>
        </thead>
        <tbody>
          {routes.map((route) => (
            <Fragment key={route.id}>
              <RouteRow
                route={route}
                isOpen={open.has(route.id)}
                onToggle={() => toggle(route.id)}
              />
              {open.has(route.id) && <RouteDetails route={route} />}
            </Fragment>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RouteRowProps {
  readonly route: EdgeRoute;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

function RouteRow({ route, isOpen, onToggle }: RouteRowProps) {
  const addresses = addressesOf(route);
  const routers = Object.keys(route.routers);
  return (
    <tr>
      <td className="pc-route-address">
        <button
          type="button"
          className="pc-sort"
          aria-expanded={isOpen}
          aria-label={`Instances of ${route.id}`}
          onClick={onToggle}
        >
          <span className="pc-route-chevron" data-open={isOpen}>
            <Icon name="chevron" size={14} />
          </span>
        </button>
        <span className="pc-route-names">
          {addresses.length === 0 ? <span className="pc-dim">no address</span> : null}
          {addresses.map((address) => (
            <span key={address}>{address}</span>
          ))}
          {route.vhosts.length > 0 && route.listenPort !== undefined && (
            <span className="pc-dim">port {route.listenPort}</span>
          )}
        </span>
      </td>
      <td>
        <Link to={`/apps${route.appId}`}>{route.appId}</Link>
        {route.portIndex > 0 && <span className="pc-chip">port {route.portIndex}</span>}
        {route.leaving && <span className="pc-chip">leaving</span>}
      </td>
      <td>
        <span className={`pc-route-state pc-route-state--${routeTone(route)}`}>
          {instanceSentence(route)}
        </span>
      </td>
      <td className="pc-num" data-label="Requests/s">
        {formatRate(route.traffic?.requestsPerSecond)}
      </td>
      <td className="pc-num" data-label="Latency">
        {formatMs(route.traffic?.responseMs)}
      </td>
      <td className="pc-num" data-label="Errors">
        {formatErrors(route.traffic)}
      </td>
      <td className="pc-wide">
        {routers.length === 0 ? <span className="pc-dim">no router</span> : routers.join(', ')}
      </td>
    </tr>
  );
}

function RouteDetails({ route }: { readonly route: EdgeRoute }) {
  return (
    <tr className="pc-route-details">
      <td colSpan={7}>
        <ul aria-label={`Instances behind ${route.id}`}>
          {route.instances.map((instance) => (
            <li key={instance.taskId}>
              <span
                className={`pc-tag pc-tag--${instance.state === 'ready' ? 'healthy' : 'draining'}`}
              >
                {instance.state}
              </span>{' '}
              <span className="pc-mono">
                {instance.address}:{instance.port}
              </span>{' '}
              <span className="pc-dim">
                {formatRate(instance.requestsPerSecond)} requests/s, {formatMs(instance.responseMs)}
                , {instance.sessions ?? 0} sessions
              </span>{' '}
              {disagreement(instance) !== '' && (
                <span className="pc-route-state--warn">{disagreement(instance)}</span>
              )}{' '}
              <span className="pc-dim pc-cut" title={instance.taskId}>
                {instance.taskId}
              </span>
            </li>
          ))}
          {route.outside.map(({ taskId, host, why }) => (
            <li key={taskId}>
              <span className="pc-tag">outside</span> <span className="pc-mono">{host}</span>{' '}
              <span>{why}</span>{' '}
              <span className="pc-dim pc-cut" title={taskId}>
                {taskId}
              </span>
            </li>
          ))}
          {route.instances.length + route.outside.length === 0 && (
            <li className="pc-dim">No instance is there.</li>
          )}
        </ul>
      </td>
    </tr>
  );
}
