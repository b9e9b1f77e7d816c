import type { Catalogue } from '../catalogue.ts';

const factors: Catalogue['factors'] = {
  totp: () => 'eine Authentifizierungs-App',
  passkey: (name) => (name ? `ein Passkey namens „${name}“` : 'ein Passkey'),
  'recovery-codes': () => 'Wiederherstellungscodes',
};

function codesLeft(left: number): string {
  if (left === 0) return 'Es ist keiner übrig: Erzeugen Sie neue, bevor Sie sie brauchen.';
  return left === 1 ? 'Einer ist übrig.' : `${left} sind übrig.`;
}

const count = (n: number, one: string, several: string): string => `${n} ${n === 1 ? one : several}`;

export const de: Catalogue = {
  language: 'de',
  greeting: (service) => `Guten Tag, hier ist ${service}.`,
  address: 'Die ganze Adresse des Links:',
  validOnce: 'Der Link gilt einmal.',
  validFor: (duration) => `Der Link gilt einmal und ${duration} lang.`,
  time: 'Wann',
  device: 'Womit',
  ip: 'Woher',
  browserOn: (browser, system) => `${browser} auf ${system}`,
  factors,
  automatic: (service) => `${service} hat diese Nachricht automatisch gesendet. Antworten liest niemand.`,

  mails: {
    'verify-email': {
      subject: ({ service }) => `Bestätigen Sie Ihre E-Mail-Adresse für ${service}`,
      says: ({ service }) =>
        `Jemand hat sich mit dieser E-Mail-Adresse bei ${service} registriert. Wenn Sie es waren, bestätigen Sie sie:`,
      action: 'E-Mail-Adresse bestätigen',
      otherwise: () =>
        'Wenn Sie es nicht waren, hat jemand anderes Ihre Adresse angegeben. Sie können das so entstandene Konto löschen:',
      reject: 'Das war ich nicht: Konto löschen',
    },
    'sign-up-again': {
      subject: ({ service }) => `Sie haben bereits ein Konto bei ${service}`,
      says: ({ service }) =>
        `Jemand wollte sich mit dieser E-Mail-Adresse bei ${service} registrieren. Zu ihr gehört bereits ein Konto. Daher ist kein weiteres entstanden, und an Ihrem hat sich nichts geändert.`,
      otherwise: () =>
        'Wenn Sie es waren, melden Sie sich stattdessen an, und fordern Sie ein neues Passwort an, falls Sie Ihres vergessen haben. Wenn Sie es nicht waren, brauchen Sie nichts zu tun.',
    },
    'reset-password': {
      subject: ({ service }) => `Wählen Sie ein neues Passwort für ${service}`,
      says: ({ service }) =>
        `Jemand hat für Ihr Konto bei ${service} ein neues Passwort angefordert. Wenn Sie es waren, fahren Sie fort:`,
      action: 'Neues Passwort wählen',
      otherwise: () =>
        'Wenn Sie es nicht waren, beachten Sie diese Nachricht nicht weiter: Ihr Passwort bleibt, wie es ist.',
    },
    'choose-password': {
      subject: ({ service }) => `Ihr neues Konto bei ${service}`,
      says: ({ service }) =>
        `Für diese E-Mail-Adresse wurde bei ${service} ein Konto eingerichtet. Wählen Sie ein Passwort, und es gehört Ihnen:`,
      action: 'Passwort wählen',
      otherwise: () => 'Wenn Sie kein Konto erwarten, beachten Sie diese Nachricht nicht weiter.',
    },
    'password-changed': {
      subject: ({ service }) => `Ihr Passwort für ${service} wurde geändert`,
      says: ({ service }) =>
        `Das Passwort Ihres Kontos bei ${service} wurde geändert. Alle anderen Sitzungen des Kontos wurden beendet.`,
      otherwise: () => 'Wenn Sie es nicht waren, fordern Sie auf der Anmeldeseite sofort ein neues Passwort an.',
    },
    'confirm-new-email': {
      subject: ({ service }) => `Bestätigen Sie Ihre neue E-Mail-Adresse für ${service}`,
      says: ({ service }) =>
        `Jemand möchte diese E-Mail-Adresse für das eigene Konto bei ${service} verwenden. Wenn Sie es sind, bestätigen Sie sie:`,
      action: 'Neue E-Mail-Adresse bestätigen',
      otherwise: () => 'Wenn Sie es nicht sind, beachten Sie diese Nachricht nicht weiter: Dann ändert sich nichts.',
    },
    'email-change-requested': {
      subject: ({ service }) => `Ihre E-Mail-Adresse für ${service} soll sich ändern`,
      says: ({ service, newEmail }) =>
        `Jemand, der in Ihrem Konto bei ${service} angemeldet ist, möchte dessen E-Mail-Adresse in ${newEmail} ändern. Das geschieht, sobald sie von jenem Postfach aus bestätigt wird.`,
      otherwise: () =>
        'Wenn Sie es nicht waren, ändern Sie sofort Ihr Passwort: Damit wird auch die Änderung der Adresse hinfällig.',
    },
    'email-changed': {
      subject: ({ service }) => `Ihre E-Mail-Adresse für ${service} wurde geändert`,
      says: ({ service, newEmail }) =>
        `Die E-Mail-Adresse Ihres Kontos bei ${service} ist jetzt ${newEmail}. Dies ist die letzte Nachricht an die alte.`,
      otherwise: ({ service }) => `Wenn Sie es nicht waren, wenden Sie sich sofort an die Betreiber von ${service}.`,
    },
    'magic-link': {
      subject: ({ service }) => `Anmeldung bei ${service}`,
      says: ({ service }) =>
        `Jemand möchte sich mit dieser E-Mail-Adresse bei ${service} anmelden. Wenn Sie es sind, fahren Sie fort:`,
      action: 'Anmelden',
      code: 'Oder geben Sie diesen Code dort ein, wo Sie ihn angefordert haben:',
      otherwise: () =>
        'Wenn Sie es nicht sind, beachten Sie diese Nachricht nicht weiter, und nennen Sie niemandem den Code.',
    },
    'session-ended': {
      subject: ({ service }) => `Eine Sitzung Ihres Kontos bei ${service} wurde beendet`,
      says: ({ service }) =>
        `Ein Schlüssel zu Ihrem Konto bei ${service} wurde zweimal verwendet, wie es geschieht, wenn jemand ihn kopiert hat. Sicherheitshalber wurde die zugehörige Sitzung beendet. Sie können sich neu anmelden.`,
      otherwise: () => 'Wenn Ihnen diese Angaben nichts sagen, ändern Sie Ihr Passwort.',
    },
    'factor-added': {
      subject: ({ service }) => `Ein Weg, sich bei ${service} anzumelden, ist hinzugekommen`,
      says: ({ service, factor, name }) => `Zu Ihrem Konto bei ${service} kam hinzu: ${factors[factor](name)}.`,
      otherwise: () => 'Wenn Sie es nicht waren, entfernen Sie ihn wieder, und ändern Sie sofort Ihr Passwort.',
    },
    'factor-removed': {
      subject: ({ service }) => `Ein Weg, sich bei ${service} anzumelden, wurde entfernt`,
      says: ({ service, factor, name }) => `Aus Ihrem Konto bei ${service} wurde entfernt: ${factors[factor](name)}.`,
      otherwise: () => 'Wenn Sie es nicht waren, ändern Sie sofort Ihr Passwort.',
    },
    'recovery-code-used': {
      subject: ({ service }) => `Ein Wiederherstellungscode wurde bei ${service} verwendet`,
      says: ({ service, left }) =>
        `Jemand hat sich mit einem der Wiederherstellungscodes in Ihrem Konto bei ${service} angemeldet. ${codesLeft(left)}`,
      otherwise: () =>
        'Wenn Sie es nicht waren, ändern Sie sofort Ihr Passwort, und erzeugen Sie neue Wiederherstellungscodes.',
    },
    'identity-linked': {
      subject: ({ service, provider }) => `Anmeldung bei ${service} jetzt auch über ${provider}`,
      says: ({ service, provider }) =>
        `Ein Konto bei ${provider} wurde mit Ihrem Konto bei ${service} verknüpft. Wer jenes benutzt, kann sich in diesem anmelden.`,
      otherwise: () => 'Wenn Sie es nicht waren, lösen Sie die Verknüpfung, und ändern Sie sofort Ihr Passwort.',
    },
    'identity-unlinked': {
      subject: ({ service, provider }) => `Anmeldung bei ${service} nicht mehr über ${provider}`,
      says: ({ service, provider }) =>
        `Die Verknüpfung eines Kontos bei ${provider} mit Ihrem Konto bei ${service} wurde gelöst.`,
      otherwise: () => 'Wenn Sie es nicht waren, ändern Sie sofort Ihr Passwort.',
    },
    'account-suspended': {
      subject: ({ service }) => `Ihr Konto bei ${service} wurde gesperrt`,
      says: ({ service }) =>
        `Ihr Konto bei ${service} wurde von der Verwaltung gesperrt. Niemand kann sich damit anmelden, und alle Sitzungen wurden beendet.`,
      otherwise: ({ service }) => `Wenn Sie nicht wissen, warum, fragen Sie, wer ${service} betreibt.`,
    },
    'account-reactivated': {
      subject: ({ service }) => `Ihr Konto bei ${service} ist wieder nutzbar`,
      says: ({ service }) => `Ihr Konto bei ${service} wurde wieder freigegeben. Sie können sich wieder anmelden.`,
      otherwise: ({ service }) =>
        `Wenn Sie nicht wissen, warum es nicht nutzbar war, fragen Sie, wer ${service} betreibt.`,
    },
    'account-deactivated': {
      subject: ({ service }) => `Ihr Konto bei ${service} wurde stillgelegt`,
      says: ({ service }) =>
        `Ihr Konto bei ${service} wurde stillgelegt, und alle Sitzungen wurden beendet. Es bleibt erhalten und ist wieder nutzbar, sobald Sie sich anmelden.`,
      otherwise: () => 'Wenn Sie das nicht waren, melden Sie sich an und ändern Sie sofort Ihr Passwort.',
    },
    'account-deleted': {
      subject: ({ service }) => `Ihr Konto bei ${service} wurde gelöscht`,
      says: ({ service, days }) =>
        `Ihr Konto bei ${service} wurde gelöscht, und alle Sitzungen wurden beendet. Es lässt sich noch ${count(days, 'Tag', 'Tage')} lang wiederherstellen; danach ist es endgültig fort, mit allem, was dazugehört.`,
      otherwise: ({ service }) =>
        `Wenn Sie das nicht waren, bitten Sie, wer ${service} betreibt, es wiederherzustellen.`,
    },
    'account-restored': {
      subject: ({ service }) => `Ihr Konto bei ${service} wurde wiederhergestellt`,
      says: ({ service }) => `Ihr Konto bei ${service} wurde wiederhergestellt. Es ist so, wie es vor dem Löschen war.`,
      otherwise: ({ service }) => `Wenn Sie nicht darum gebeten haben, fragen Sie, wer ${service} betreibt.`,
    },
    'account-dormant-soon': {
      subject: ({ service }) => `Ihr Konto bei ${service} wird bald stillgelegt`,
      says: ({ service, months, days }) =>
        `Bei Ihrem Konto bei ${service} hat sich lange niemand angemeldet. Nach ${count(months, 'Monat', 'Monaten')} wird es stillgelegt, das ist in ${count(days, 'Tag', 'Tagen')}. Damit es aktiv bleibt, melden Sie sich an.`,
      otherwise: () =>
        'Wenn Sie es zurzeit nicht brauchen, ist nichts zu tun: Eine spätere Anmeldung macht es wieder nutzbar.',
    },
    'account-dormant': {
      subject: ({ service }) => `Ihr Konto bei ${service} wurde stillgelegt, weil es niemand nutzt`,
      says: ({ service, months }) =>
        `Bei Ihrem Konto bei ${service} hat sich ${count(months, 'Monat', 'Monate')} lang niemand angemeldet. Es ist jetzt stillgelegt, und alle Sitzungen wurden beendet. Nichts davon ist verloren.`,
      otherwise: () => 'Eine Anmeldung macht es wieder nutzbar.',
    },
    'team-invitation': {
      subject: ({ team, service }) => `Einladung in das Team „${team}“ bei ${service}`,
      says: ({ team, service }) =>
        `Sie sind eingeladen, Mitglied des Teams „${team}“ bei ${service} zu werden. Melden Sie sich mit dieser E-Mail-Adresse an, oder registrieren Sie sich zuerst mit ihr, und nehmen Sie an:`,
      action: 'Einladung annehmen',
      otherwise: () => 'Kennen Sie das Team nicht, dann ignorieren Sie diese E-Mail: Es geschieht nichts.',
    },
    'webhook-disabled': {
      subject: ({ service, host }) => `Ein Webhook von ${service} an ${host} wurde abgeschaltet`,
      says: ({ service, host, reason }) =>
        reason === 'gone'
          ? `${host} hat geantwortet, dass dort keine Webhooks von ${service} mehr angenommen werden. Bis Sie ihn wieder einschalten, wird nichts mehr dorthin gesendet.`
          : `Seit Tagen ist nichts angekommen, was ${service} an ${host} gesendet hat. Bis Sie ihn wieder einschalten, wird nichts mehr dorthin gesendet.`,
      otherwise: () =>
        'Die Liste der Zustellungen zeigt, woran es lag. Was noch aussteht, wird gesendet, sobald Sie ihn wieder einschalten, und jede einzelne lässt sich noch einmal senden.',
    },
  },
};
