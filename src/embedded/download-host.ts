import { request as httpRequest } from 'node:http';
import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { reason } from './errors.ts';
import { type Say, sayWhenSlow } from './say.ts';

const DEFAULT_HOST = 'https://fastdl.mongodb.org';

/** A download server that has not answered by then would make a poor download, too. */
const TIMEOUT_MS = 4_000;

/** The variables that mongodb-memory-server takes its proxy from, in its order. */
const PROXY_VARIABLES = [
  'yarn_https-proxy',
  'yarn_proxy',
  'npm_config_https-proxy',
  'npm_config_proxy',
  'https_proxy',
  'http_proxy',
  'HTTPS_PROXY',
  'HTTP_PROXY',
];

/**
 * Finds out within four seconds what a download attempt behind a firewall would take minutes to find out.
 * @returns why MongoDB's download server cannot be used, as the end of a sentence; undefined when it can
 */
export async function unreachable(env: NodeJS.ProcessEnv, say: Say): Promise<string | undefined> {
  if (/^(0|off|no|false)$/i.test(env['MONGOMS_RUNTIME_DOWNLOAD'] ?? ''))
    return 'MONGOMS_RUNTIME_DOWNLOAD forbids a download';
  const address = env['MONGOMS_DOWNLOAD_URL'] || env['MONGOMS_DOWNLOAD_MIRROR'] || DEFAULT_HOST;
  if (!URL.canParse(address)) return `${address} is no URL to download from`;
  const url = new URL(address);
  const proxy = PROXY_VARIABLES.map((name) => env[name]).find(Boolean);
  try {
    const answer = proxy === undefined ? handshake(url) : tunnel(new URL(proxy), url);
    await sayWhenSlow(say, `Asking ${url.host} whether MongoDB can be downloaded`, answer);
    return undefined;
  } catch (error) {
    return `${url.host} cannot be reached${proxy === undefined ? '' : ' through the proxy'} (${reason(error)})`;
  }
}

const portOf = (url: URL): number => Number(url.port) || (url.protocol === 'http:' ? 80 : 443);

const tooSlow = (): Error => new Error(`no answer within ${TIMEOUT_MS / 1000} s`);

/** TLS and not only TCP: some networks take every connection and answer none. */
function handshake(url: URL): Promise<void> {
  if (url.protocol === 'http:') return head(url);
  return new Promise((resolve, reject) => {
    const name = isIP(url.hostname) === 0 ? { servername: url.hostname } : {}; // an address is no server name
    const socket = connectTls({ host: url.hostname, port: portOf(url), ...name });
    const timer = setTimeout(() => socket.destroy(tooSlow()), TIMEOUT_MS);
    socket.on('close', () => clearTimeout(timer));
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      socket.destroy();
      resolve();
    });
  });
}

function head(url: URL): Promise<void> {
  return send({ host: url.hostname, port: portOf(url), method: 'HEAD', path: '/' }, () => true);
}

function tunnel(proxy: URL, url: URL): Promise<void> {
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return send(
    {
      host: proxy.hostname,
      port: Number(proxy.port) || 80,
      method: 'CONNECT',
      path: `${url.hostname}:${portOf(url)}`,
      ...(proxy.username === '' ? {} : { headers: { 'proxy-authorization': `Basic ${btoa(credentials)}` } }),
    },
    (status) => status === 200,
  );
}

interface Outgoing {
  host: string;
  port: number;
  method: string;
  path: string;
  headers?: Record<string, string>;
}

function send(options: Outgoing, accepted: (status: number) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...options, agent: false });
    const timer = setTimeout(() => request.destroy(tooSlow()), TIMEOUT_MS);
    const judge = (status = 0) => {
      request.destroy();
      if (accepted(status)) resolve();
      else reject(new Error(`it answered ${status}`));
    };
    request.on('response', ({ statusCode }) => judge(statusCode));
    request.on('connect', ({ statusCode }, socket) => {
      socket.destroy();
      judge(statusCode);
    });
    request.on('error', reject);
    request.on('close', () => clearTimeout(timer));
    request.end();
  });
}
