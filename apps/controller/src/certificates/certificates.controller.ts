import { Body, Controller, Delete, Get, Param, Put, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MAX_CERTIFICATES, type StoredCertificate } from '#core';
import { toIsoTime, type WireCertificate, type WireCertificates } from '#marathon-v2';
import { ApiError, roleOf } from '#platform';
import { requireBody, sendWarnings } from '../http/outcome.js';
import { type Query, readTexts } from '../http/query.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import { type GivenCertificate, readCertificate } from './read-certificate.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** /v2/certificates, ours: certificates for the edge. Keys go in, and out to routers only. */
@ApiTags('routers')
@Controller('v2/certificates')
export class CertificatesController {
  constructor(private readonly runtime: ControllerRuntime) {}

  @Get()
  @ApiOperation({ summary: 'Certificates of the edge: names, hosts and when they end' })
  @ApiQuery({
    name: 'embed',
    required: false,
    description: 'certificates.pem: with chain and key, for who may do everything',
  })
  list(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): WireCertificates {
    reply.header('cache-control', 'no-store');
    const embeds = readTexts(request.query as Query, 'embed');
    const isWhole = embeds.includes('certificates.pem');
    if (isWhole && roleOf(request.raw) === 'read') {
      throw new ApiError(
        403,
        'The role read may see which certificates there are, not their keys; that needs the role full',
        { extra: { role: 'read', needs: 'full' } },
      );
    }
    const stored = this.runtime.engine.view.certificates();
    return {
      certificates: stored.map((one) => (isWhole ? { ...toWire(one), pem: one.pem } : toWire(one))),
    };
  }

  @Put(':name')
  @ApiOperation({
    summary: 'Stores a certificate: {"certificate": PEM with its chain, "key": PEM}',
  })
  async put(
    @Param('name') name: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WireCertificate> {
    const read = readCertificate(readBody(name, requireBody(body)), this.runtime.nowEpochMs());
    if (!read.ok) throw invalid(read.field, read.reason);
    const outcome = await this.runtime.engine.putCertificate(read.certificate);
    if (outcome === 'full') {
      throw new ApiError(409, `${MAX_CERTIFICATES} certificates are stored, which is the most`);
    }
    sendWarnings(reply, read.warnings);
    if (outcome === 'created') {
      reply.code(201).header('location', `/v2/certificates/${encodeURIComponent(name)}`);
    }
    return toWire(read.certificate);
  }

  @Delete(':name')
  @ApiOperation({ summary: 'Removes a certificate' })
  async remove(@Param('name') name: string): Promise<Readonly<Record<string, never>>> {
    if (await this.runtime.engine.deleteCertificate(name)) return {};
    throw new ApiError(404, `Certificate '${name.slice(0, 130)}' does not exist`);
  }
}

const toWire = (stored: StoredCertificate): WireCertificate => ({
  name: stored.name,
  hosts: stored.hosts,
  issuer: stored.issuer,
  notBefore: toIsoTime(stored.notBeforeEpochMs),
  notAfter: toIsoTime(stored.notAfterEpochMs),
  fingerprint: stored.fingerprint,
});

const invalid = (field: string, reason: string): ApiError =>
  new ApiError(422, 'Object is not valid', { details: [{ path: `/${field}`, errors: [reason] }] });

/** The values are named by no error: one of them is a key. */
function readBody(name: string, body: unknown): GivenCertificate {
  if (!NAME.test(name)) {
    throw new ApiError(
      422,
      `Certificate name '${name.slice(0, 60)}' must be 1 to 128 letters, digits and . _ -, the first a letter or a digit`,
    );
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('', 'must be an object with certificate and key');
  }
  const { certificate, key } = body as Readonly<Record<string, unknown>>;
  if (typeof certificate !== 'string') throw invalid('certificate', 'must be a text in PEM');
  if (typeof key !== 'string') throw invalid('key', 'must be a text in PEM');
  return { name, certificate, key };
}
