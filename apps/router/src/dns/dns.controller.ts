import { Controller, Get, Header, Inject, Param, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiError, QueueFullError } from '#platform';
import { isInDomain, nameServerOf, soaOf } from '#routing';
import { RouterService } from '../router.service.js';
import { ROUTER_CONFIG, type RouterConfig } from '../router-config.js';
import type { DnsService } from './dns.service.js';
import { hostsView, servicesView } from './dns-views.js';

/** Where clients of Mesos-DNS look, and the same under a name of its own. */
const PREFIXES = ['v1', 'dns/v1'];
const RETRY_AFTER_SECONDS = '1';
/** Of lists, which are text already. */
const JSON_TYPE = ['content-type', 'application/json; charset=utf-8'] as const;

/** The zone as JSON: Mesos-DNS' HTTP API, and more. */
@ApiTags('dns')
@Controller(PREFIXES)
export class DnsController {
  constructor(
    private readonly router: RouterService,
    @Inject(ROUTER_CONFIG) private readonly config: RouterConfig,
  ) {}

  @Get('version')
  @ApiOperation({ summary: 'What this is, in the form of Mesos-DNS' })
  version(): unknown {
    return { Service: 'Pacer', Version: '1', URL: '/docs' };
  }

  @Get('config')
  @ApiOperation({ summary: 'The settings, by the names Mesos-DNS has for them' })
  settings(): unknown {
    const { dns, port, host } = this.config;
    const soa = soaOf(dns.mesosDomain, this.enabled.authority());
    return {
      Domain: dns.mesosDomain,
      PacerDomain: dns.domain,
      Framework: dns.framework,
      TTL: dns.ttlSeconds,
      Listener: dns.host,
      Port: dns.port,
      HTTPListener: host,
      HTTPPort: port,
      DNSOn: dns.isEnabled,
      HTTPOn: true,
      EnumerationOn: true,
      ExternalOn: dns.resolvers.length > 0,
      RecurseOn: dns.resolvers.length > 0,
      Resolvers: dns.resolvers.map((one) => one.address),
      EnforceRFC952: false,
      SRVRecordDefaultWeight: dns.weight,
      MaxRecords: dns.maxRecords,
      SOASerial: soa.serial,
      SOAMname: `${soa.mname}.`,
      SOARname: `${soa.rname}.`,
      SOARefresh: soa.refresh,
      SOARetry: soa.retry,
      SOAExpire: soa.expire,
      SOAMinttl: soa.minimum,
    };
  }

  @Get('hosts/:host')
  @ApiOperation({ summary: 'The addresses of a name' })
  hosts(@Param('host') host: string): unknown {
    return hostsView(this.ready.names.zone, host);
  }

  @Get('hosts/:host/ports')
  @ApiOperation({ summary: 'The ports of an app or an instance' })
  @Header(...JSON_TYPE)
  ports(@Param('host') host: string): Promise<string> {
    return unlessBusy(this.ready.listings.ports(host));
  }

  @Get('services/:service')
  @ApiOperation({ summary: 'The addresses and ports of an SRV name' })
  services(@Param('service') service: string): unknown {
    return servicesView(this.ready.names.zone, service);
  }

  @Get('enumerate')
  @ApiOperation({ summary: 'Every task with its records' })
  @Header(...JSON_TYPE)
  enumerate(): Promise<string> {
    return unlessBusy(this.ready.listings.enumerate());
  }

  @Get('axfr')
  @ApiOperation({ summary: 'All records of a domain, the Mesos-DNS one unless asked for another' })
  @Header(...JSON_TYPE)
  transfer(@Query('domain') asked?: string): Promise<string> {
    const service = this.ready;
    const { dns } = this.config;
    const domain = asked ?? dns.mesosDomain;
    if (![dns.domain, dns.mesosDomain].some((one) => isInDomain(domain, one))) {
      throw new ApiError(404, `domain "${domain}" is not in ${dns.domain} or ${dns.mesosDomain}`);
    }
    const head = (): Readonly<Record<string, unknown>> => {
      const authority = service.authority();
      return {
        TTL: dns.ttlSeconds,
        Serial: authority.serial,
        RefreshSeconds: 0,
        Mname: `${nameServerOf(authority)}.`,
        Rname: `${soaOf(domain, authority).rname}.`,
        Domain: domain,
      };
    };
    return unlessBusy(service.listings.transfer(domain, head));
  }

  @Get('apps')
  @ApiOperation({ summary: 'Every app with its names and instances, and names that apps share' })
  @Header(...JSON_TYPE)
  apps(): Promise<string> {
    return unlessBusy(this.ready.listings.apps());
  }

  @Get('http_sd')
  @ApiOperation({ summary: "Targets for Prometheus' http_sd_configs; `app` and `port` select" })
  @Header(...JSON_TYPE)
  targets(@Query('app') app?: string, @Query('port') port?: string): Promise<string> {
    return unlessBusy(this.ready.listings.targets({ app, port }));
  }

  @Get('watch')
  @ApiOperation({ summary: 'Server-sent events: `state` first, then each `change` of the zone' })
  watch(@Res() reply: FastifyReply): void {
    this.enabled.watch(reply);
  }

  private get enabled(): DnsService {
    if (this.config.dns.isEnabled) return this.router.dns;
    throw new ApiError(404, 'DNS is switched off (PACER_DNS=false)');
  }

  /** Before there is anything to tell, nothing is said not to be there: Prometheus keeps its targets, clients ask again. */
  private get ready(): DnsService {
    const service = this.enabled;
    if (service.isReady) return service;
    throw new ApiError(
      503,
      'the controller has not been heard yet, and there are no names of before',
      {
        headers: { 'retry-after': RETRY_AFTER_SECONDS },
      },
    );
  }
}

/** Too many lists are asked for at a time: 503, to be tried again. */
async function unlessBusy(listing: Promise<string>): Promise<string> {
  try {
    return await listing;
  } catch (error) {
    if (!(error instanceof QueueFullError)) throw error;
    throw new ApiError(503, error.message, { headers: { 'retry-after': RETRY_AFTER_SECONDS } });
  }
}
