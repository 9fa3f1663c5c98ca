import { Controller, Get, Inject, Param, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiError } from '#platform';
import { isInDomain, nameServerOf, soaOf } from '#routing';
import { RouterService } from '../router.service.js';
import { ROUTER_CONFIG, type RouterConfig } from '../router-config.js';
import type { DnsService } from './dns.service.js';
import {
  appsView,
  enumerateView,
  hostsView,
  portsView,
  servicesView,
  targetsView,
  transferView,
} from './dns-views.js';

/** Where clients of Mesos-DNS look, and the same under a name of its own. */
const PREFIXES = ['v1', 'dns/v1'];
const RETRY_AFTER_SECONDS = '1';

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
  ports(@Param('host') host: string): unknown {
    return portsView(this.ready.names.zone, host);
  }

  @Get('services/:service')
  @ApiOperation({ summary: 'The addresses and ports of an SRV name' })
  services(@Param('service') service: string): unknown {
    return servicesView(this.ready.names.zone, service);
  }

  @Get('enumerate')
  @ApiOperation({ summary: 'Every task with its records' })
  enumerate(): Promise<unknown> {
    return enumerateView(this.ready.names);
  }

  @Get('axfr')
  @ApiOperation({ summary: 'All records of a domain, the Mesos-DNS one unless asked for another' })
  transfer(@Query('domain') asked?: string): unknown {
    const service = this.ready;
    const { dns } = this.config;
    const domain = asked ?? dns.mesosDomain;
    if (![dns.domain, dns.mesosDomain].some((one) => isInDomain(domain, one))) {
      throw new ApiError(404, `domain "${domain}" is not in ${dns.domain} or ${dns.mesosDomain}`);
    }
    const authority = service.authority();
    return {
      TTL: dns.ttlSeconds,
      Serial: authority.serial,
      RefreshSeconds: 0,
      Mname: `${nameServerOf(authority)}.`,
      Rname: `${soaOf(domain, authority).rname}.`,
      Domain: domain,
      Records: transferView(service.names.zone, domain),
    };
  }

  @Get('apps')
  @ApiOperation({ summary: 'Every app with its names and instances, and names that apps share' })
  apps(): Promise<unknown> {
    return appsView(this.ready.names);
  }

  @Get('http_sd')
  @ApiOperation({ summary: "Targets for Prometheus' http_sd_configs; `app` and `port` select" })
  targets(@Query('app') app?: string, @Query('port') port?: string): Promise<unknown> {
    return targetsView(this.ready.names, { app, port });
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
