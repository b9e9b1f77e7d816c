import type { World } from './answers.ts';
import { authorizeUrl, exchange, type IdentityService, newVerifier, RETURN_TO } from './identities.ts';
import { call, freshEmail } from './people.ts';
import { Visitor } from './visitor.ts';

type IdentityProvider = IdentityService['idp'];

/** By a provider of this process: the way there, back by link and by form, and what its owner does with it. */
export async function byIdentity({ service, see, get, post }: World, { people }: IdentityProvider): Promise<void> {
  const [email, claims] = [freshEmail(), { email_verified: true }];
  people.set('ada', { email, ...claims }).set('bob', { email: freshEmail(), ...claims });
  const url = '/v1/identities/local';
  const away = async (begin = `${url}/authorize`, who = 'ada') => {
    const browser = new Visitor(service, who);
    const { url: back } = await browser.visit(begin, ({ pathname }) => pathname.endsWith('/callback'));
    return { back, cookie: `__Host-roster-identity=${browser.cookie('__Host-roster-identity')}` };
  };
  const byLink = ({ back, cookie }: Awaited<ReturnType<typeof away>>) =>
    call(service, 'GET', back.pathname + back.search, undefined, { headers: { cookie } });
  const byForm = ({ back, cookie }: Awaited<ReturnType<typeof away>>) =>
    service.app.inject({
      method: 'POST',
      url: back.pathname,
      payload: back.search.slice(1),
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
    });

  await see('GET /v1/identities', get('/v1/identities'));
  const begin = 'GET /v1/identities/{provider}/authorize';
  await see(begin, get(`${url}/authorize`), get('/v1/identities/x/authorize'), get(authorizeUrl({ redirectTo: 'x' })));
  for (const [name, back] of [
    ['GET /v1/identities/{provider}/callback', byLink],
    ['POST /v1/identities/{provider}/callback', byForm],
  ] as const) {
    const answered = await away();
    await see(name, back(answered));
    await see(name, back(answered), back(await away(authorizeUrl())));
    await see(name, back(await away(undefined, 'nobody')), back(await away(authorizeUrl(), 'nobody')));
  }
  const verifier = newVerifier();
  const { fragment } = await new Visitor(service, 'ada').visit(authorizeUrl({ verifier }));
  const [signedIn] = await see('POST /v1/sessions/identity', exchange(service, { fragment }, verifier));
  await see('POST /v1/sessions/identity', exchange(service, { fragment }, verifier), post('/v1/sessions/identity'));
  const headers = { authorization: `Bearer ${signedIn?.json().accessToken}` };
  const mine = (method: 'GET' | 'POST' | 'DELETE', path = '', body?: unknown) =>
    call(service, method, `/v1/users/me/identities${path}`, body, { headers });
  const link = 'POST /v1/users/me/identities/{provider}/authorize';
  const [begun] = await see(
    link,
    mine('POST', '/local/authorize', { redirectTo: RETURN_TO }),
    mine('POST', '/local/authorize', {}),
  );
  await see(link, mine('POST', '/nobody/authorize', { redirectTo: RETURN_TO }));
  const arrived = await new Visitor(service, 'bob').visit(begun?.json().authorizationUrl);
  const code = { code: arrived.fragment.get('code') };
  await see('POST /v1/users/me/identities', mine('POST', '', code));
  await see('POST /v1/users/me/identities', mine('POST', '', code), post('/v1/users/me/identities', code));
  const [list] = await see('GET /v1/users/me/identities', mine('GET'), get('/v1/users/me/identities'));
  for (const { id } of list?.json().items ?? [])
    await see('DELETE /v1/users/me/identities/{id}', mine('DELETE', `/${id}`));
  await see('DELETE /v1/users/me/identities/{id}', mine('DELETE', `/${'0'.repeat(24)}`));
}
