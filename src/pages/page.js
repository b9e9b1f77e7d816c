// Runs in the browser, on each page of a mailed link. The token is read from the fragment of the URL, which is sent to
// no server, and goes out in the body of one request when the button is pressed.

const form = document.querySelector('form');
const button = form.querySelector('button');
const outcome = document.querySelector('#outcome');
const input = form.querySelector('input[type="password"]');

const token = new URLSearchParams(location.hash.slice(1)).get('token');
// Neither the history nor whoever looks at the address bar keeps it.
history.replaceState(null, '', location.pathname);

/** What a code of the API means to whoever reads this page; all others are told in the API's own words. */
const MESSAGES = {
  'invalid-code':
    'This link does not work any more. It was used, a newer one was sent, or its time is over. Ask for a new one.',
  'invalid-credentials': 'The password is wrong.',
  'mfa-required': 'This account has a second factor. Sign in where you can give it.',
  'rate-limited': 'Too many tries. Wait a few minutes and try again.',
};

function tell(text, failed = false) {
  outcome.textContent = text;
  outcome.classList.toggle('failed', failed);
  outcome.focus();
}

/** A server that cannot be reached, or something before it that answers, speaks no JSON. */
async function problemOf(response) {
  const { code, title, errors } = await response.json();
  if (errors && input) return errors.map(({ detail }) => `The password ${detail}.`).join('\n');
  return MESSAGES[code] ?? `${title}.`;
}

async function send() {
  const body = { token, ...Object.fromEntries(new FormData(form)) };
  const response = await fetch(form.dataset.action, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) return tell(await problemOf(response), true);
  form.hidden = true;
  form.reset();
  return tell(form.dataset.done);
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  button.disabled = true;
  try {
    await send();
  } catch {
    tell('The service cannot be reached. Try again in a moment.', true);
  } finally {
    button.disabled = false;
  }
});

document.querySelector('#show')?.addEventListener('change', ({ target }) => {
  input.type = target.checked ? 'text' : 'password';
});

if (token === null) tell('This link is not complete. Open it from the mail once more.', true);
else {
  form.hidden = false;
  input?.focus();
}
