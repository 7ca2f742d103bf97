import { dictionary } from '@zxcvbn-ts/language-common'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { serviceWords, weakness } from '../../shared/auth/password-policy.ts'
import { isGuessable } from './strength.ts'

const policy = { service: serviceWords('app.tide-pool.example'), isGuessable }
const EMAIL = 'alice.smith82@harbourmail.example'
const judge = (password: string) => weakness(password, EMAIL, policy)

const refused: Record<string, string[]> = {
  'a common password, repeated or padded': [
    'passwordpassword1',
    'password-password-1',
    'PASSWORDpassword1',
    'passwordpasswordpassword',
    'password........',
    '!!!!!password!!!!!',
    '**********password',
    'monkeymonkeymonkey',
    'monkey monkey monkey',
    'letmeinletmein123',
    'dragon-dragon-dragon-1',
    'welcome1welcome1',
    'trustno1trustno1',
    'test1234test1234',
    'admin123admin123',
    'secretsecretsecret',
    'changemechangeme',
    'drowssapdrowssap',
    'Welcome2024Welcome!',
    'starwarsstarwars1',
  ],
  'a common password and a count': [
    'iloveyou12345678',
    'superman12345678',
    'charlie1234567890',
    'password123456789',
    'MyPassword123456',
    'administrator123',
    'administrator2024',
    'football20232024',
    'helloworld123456',
    'pokemonpokemon123',
  ],
  'two or three common passwords': [
    'monkey dragon monkey dragon',
    'spring summer autumn winter',
    'may the force be with you',
    'monkeydragonfootball',
    'superman batman 12',
    'liverpoolfootballclub',
    'sunshineprincess1',
    'Hunter-Shadow-1!',
  ],
  'a walk on the keyboard': [
    'qwertyuiop123456',
    'qwertyuiopasdfgh',
    'asdfghjklasdfghjkl',
    'zxcvbnmasdfghjkl',
    '1qaz2wsx3edc4rfv',
    'qazwsxedcrfvtgb',
    'zaq12wsxcde34rfv',
    '1q2w3e4r5t6y7u8i',
    'q1w2e3r4t5y6u7i8',
    '!QAZ2wsx#EDC4rfv',
    '!QAZ@WSX#EDC$RFV',
    'zxcvbnm,./asdfgh',
    "asdfghjkl;'qwert",
    'poiuytrewqlkjhgfdsa',
    'mnbvcxzlkjhgfdsa',
    'qwertzuiopasdfg',
    'azertyuiopqsdfgh',
    'qpwoeirutyalskdj',
    'qwerty123456789',
    'poiuytrewq098765',
    'qwe123qwe123qwe',
    'asdfasdfasdfasdf',
    '147258369147258369',
    '159753159753159753',
    'Qwertyuiop1990!',
  ],
  'a count or an alphabet': [
    'abcdefghijklmnop',
    'zyxwvutsrqponmlk',
    'acegikmoqsuwyac',
    'a1b2c3d4e5f6g7h8',
    '1a2b3c4d5e6f7g8h',
    'aabbccddeeffgghh',
    '123456789012345',
    '098765432112345',
    '0123456789abcdef',
    '112233445566778899',
    'abc123abc123abc123',
    '123321123321123321',
    'ABCDEFGHIJKLMNOP',
    'onetwothreefour5',
    'alphabravocharlie',
  ],
  'one pattern, over and over': [
    'aaaaaaaaaaaaaaaa',
    'aaaaaaaaaaaaaaab',
    'aaaaaaaabbbbbbbb',
    'abababababababab',
    'abcabcabcabcabcabc',
    '0000000000000000',
    '................',
    '8v2bq8v2bq8v2bq8v2',
    'x7!kx7!kx7!kx7!k',
    '2024202420242024',
  ],
  'years, months, seasons and dates': [
    'summer2024summer2024',
    'Summer2024!Summer2024!',
    'Winter2023!Winter2024!',
    'Spring2025Spring2025',
    'january2023january',
    'januaryfebruary2024',
    'mondaytuesdaywednesday',
    '19901991199219931994',
    '1987 1992 2004 2011',
    '12/05/1990 12/05/1990',
    '12.05.1990-24.12.2001',
    'May1988May1977Spring2022',
    'Autumn1968Autumn1975',
  ],
  'the service': [
    'mini-ato-saas-1',
    'mini-ato-saas-2024',
    'MiniAtoSaaS2024!',
    'miniatosaas12345',
    'mini ato saas mini',
    'mini-ato-saas-password',
    'passwordminiatosaas',
    'ato-saas-mini-123',
    'atoatoatoatoato1',
    'saas-password-123',
    'tide-pool-2024!!',
    'app.tide-pool.example',
    'TidePoolTidePool',
    'm1n1-4t0-s44s-1!',
  ],
  'the address': [
    EMAIL,
    `${EMAIL}1`,
    'alice.smith82-2024',
    'alicesmith123456',
    'AliceSmith2024!!',
    'smith.alice.1990',
    'alice smith alice',
    'harbourmail-alice',
    'HarbourMail82!82',
    'smith82smith82smith82',
    'alicealicealice1',
  ],
  'a name and a year or a date': [
    'jennifer19851985',
    'johnsmith19801980',
    'johnsmith01011980',
    'michael.jordan.23',
    'Alice12051990!!!',
    'nicholas-cameron-1',
    'adrianamay1959.',
  ],
  'a common password with digits for letters': [
    'P@ssw0rdP@ssw0rd1',
    'P@$$w0rd12345678',
    'L3tm31nL3tm31n!!',
    'Pa$$w0rdPa$$w0rd',
    'Adm1n1strat0r2024',
    '1L0v3Y0u1L0v3Y0u',
    'Qw3rtyQw3rtyQw3rty',
    'S3cr3tP@ssw0rd!!',
    'Passw0rd!Passw0rd!',
    'passw0rd12345678',
  ],
  'a famous phrase': [
    'correct horse battery staple',
    'Correct-Horse-Battery-Staple-1',
    'correcthorsebatterystaple',
    'thequickbrownfox',
    'the quick brown fox jumps',
    'tobeornottobethatisthequestion',
    'tobeornottobe123',
    'maytheforcebewithyou',
    'iloveyousomuch123',
    'I love you so much!',
    'thisismypassword',
    'ilovemydog12345',
    'jesusislord1234',
    'newyorkcity2024!',
    'ichliebedich2024',
    'motdepasse123456',
    'teamomucho123456',
    'happybirthdaytoyou',
  ],
}

describe('a new password is refused for', () => {
  for (const [kind, passwords] of Object.entries(refused)) {
    it.each(passwords)(`${kind}: %s`, async (password) => {
      expect(await judge(password)).toMatch(/^This password is easy to guess/)
    })
  }
})

const EVERYDAY =
  'apple river stone cloud table window garden yellow silver mountain kitchen pencil bottle candle forest bridge island rocket guitar piano coffee sugar paper basket ladder mirror pillow carpet button zipper hammer engine tractor bicycle airplane station market farmer doctor teacher student lawyer painter singer elephant giraffe turtle dolphin penguin spider butterfly banana cherry lemon melon peach carrot potato tomato onion pepper garlic cheese bread cookie salad purple flower grass leaf branch root ocean lake beach desert valley hill storm thunder lightning rain snow planet comet galaxy velvet lantern copper walnut saddle anchor magnet puzzle ribbon tunnel violin wallet'.split(
    ' ',
  )
const word = (list: readonly string[]) => fc.constantFrom(...list)
const phrase = (list: readonly string[], count: number) =>
  fc
    .tuple(fc.uniqueArray(word(list), { minLength: count, maxLength: count }), fc.constantFrom(' ', '-', '.', '_', ''))
    .map(([words, separator]) => words.join(separator))
    .filter((text) => text.length >= 15)
const LONG_LIST = dictionary['diceware-common'].filter((each) => /^[a-z]{3,}$/.test(each))
const randomOf = (alphabet: string, length: number) =>
  fc.array(fc.constantFrom(...alphabet), { minLength: length, maxLength: length }).map((all) => all.join(''))
const [LOWER, DIGITS] = ['abcdefghijklmnopqrstuvwxyz', '0123456789']

describe('a new password is accepted that is', () => {
  it.each([
    'long enough for a test',
    'my cat sleeps on the warm radiator',
    'we had soup on tuesday evening',
    'the bus to work was late again',
    'I would like two cups of tea',
    'there is a hole in my left shoe',
    'der Hund frisst gern Kuchen',
    'heute scheint die Sonne wieder',
    'ich trinke morgens gern Kaffee',
    'le chat mange la souris verte',
    'nous partons demain pour Lyon',
    'mi perro come manzanas rojas',
    'la casa de mi abuela es grande',
    'il gatto dorme sul divano rosso',
    'o gato dorme na cadeira azul',
    'katten sover i den varme solen',
    'kissa nukkuu lampimalla matolla',
    'pes spi na teplem koberci',
    'kot spi na cieplym dywanie',
    'gulrot vindu sykkel fjell',
    'de fiets staat achter het huis',
    'bahçede küçük bir kedi var',
    'con mèo ngủ trên ghế sofa',
    '我喜欢在星期天吃苹果和香蕉还有葡萄干',
    '今日はとても天気がいいですね散歩しよう',
    'мой дядя самых честных правил',
    'собака спит на тёплом ковре',
    'ο σκύλος κοιμάται στο χαλί',
    'الكلب ينام على السجادة الدافئة',
    'הכלב ישן על השטיח החם',
    '오늘은 날씨가 정말 좋네요 산책가요',
    'कुत्ता गर्म कालीन पर सो रहा है',
    '😀🚲🌧️🥕🪑🎻🦔📎🧦🪴🍞🚪🧲🪁🧭🛶',
    'k9Xw2mQz7LpV4tR',
    'vB8$kq!mZ2#xLw9@',
    '4fGk29sLq0ZxWvB',
    '4f9c1e7ab2d85036',
    'Kelp-Fjord-a91be7024cd1',
    'wagon lemur pollen anvil',
    'tuesday violet kettle harbor',
    'stapler tundra vexing oboe',
    'orbit pencil mustard clock',
  ])('honest: %s', async (password) => {
    expect(await judge(password)).toBeUndefined()
  })

  const kinds: [string, fc.Arbitrary<string>][] = [
    ['four words of a long list', phrase(LONG_LIST, 4)],
    ['five words of a long list', phrase(LONG_LIST, 5)],
    ['four everyday words', phrase(EVERYDAY, 4)],
    ['five everyday words', phrase(EVERYDAY, 5)],
    ['15 random letters', randomOf(LOWER, 15)],
    ['16 random hexadecimal digits', randomOf(`${DIGITS}abcdef`, 16)],
    ['15 random letters and digits', randomOf(`${LOWER}${LOWER.toUpperCase()}${DIGITS}`, 15)],
    ['15 random characters', randomOf(`${LOWER}${LOWER.toUpperCase()}${DIGITS}!@#$%^&*()-_=+[]{};:,.<>?`, 15)],
    ['22 random characters of base64url', randomOf(`${LOWER}${LOWER.toUpperCase()}${DIGITS}-_`, 22)],
  ]
  it.each(kinds)('made of %s', async (_, passwords) => {
    const SAMPLES = 40
    const accepted = await Promise.all(fc.sample(passwords, { numRuns: SAMPLES, seed: 12 }).map(judge))
    expect(accepted.filter((why) => why !== undefined)).toEqual([])
  })
})

describe('a password made of common parts', () => {
  const top = dictionary['passwords-common'].slice(0, 300).filter((each) => /^[a-z]{4,}$/.test(each))
  const year = fc.integer({ min: 1950, max: 2039 }).map(String)
  const month = fc.constantFrom(
    'spring',
    'summer',
    'autumn',
    'winter',
    'january',
    'march',
    'may',
    'october',
    'December',
  )
  const end = fc.constantFrom('', '!', '1', '123', '!!', '.', '#1', '2024')
  const cased = (text: fc.Arbitrary<string>) =>
    fc.tuple(text, fc.constantFrom('as it is', 'capital', 'upper')).map(([it, how]) => {
      if (how === 'as it is') return it
      return how === 'upper' ? it.toUpperCase() : it.charAt(0).toUpperCase() + it.slice(1)
    })
  const row = fc.constantFrom(
    'qwertyuiop',
    'asdfghjkl',
    'zxcvbnm',
    '1234567890',
    '1qaz2wsx3edc',
    'qazwsxedc',
    'poiuytrewq',
  )
  const joined = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((texts) => texts.join(''))
  const kinds: [string, fc.Arbitrary<string>][] = [
    ['two common passwords', joined(cased(word(top)), cased(word(top)), end)],
    ['a common password, three times', fc.tuple(cased(word(top)), end).map(([each, last]) => each.repeat(3) + last)],
    ['a season and a year, twice', joined(cased(month), year, cased(month), year, fc.constantFrom('', '!'))],
    ['four years', joined(year, year, year, year)],
    ['two rows of keys', joined(row, row, end)],
    ['a row of keys and a year', joined(row, row, year)],
    ['the service and a number', joined(fc.constant('mini-ato-saas-'), fc.nat(99_999).map(String), end)],
    ['the person and a number', joined(fc.constant('Alice.Smith.'), fc.nat(999).map(String), end)],
    [
      'five characters, over and over',
      fc.string({ minLength: 1, maxLength: 5 }).map((each) => each.repeat(20).slice(0, 20)),
    ],
  ]
  it.each(kinds)('is refused: %s', async (_, passwords) => {
    const long = passwords.filter((text) => [...text.normalize('NFKC')].length >= 15)
    const samples = fc.sample(long, { numRuns: 40, seed: 7 })
    const verdicts = await Promise.all(samples.map(async (password) => [password, await judge(password)] as const))
    expect(verdicts.filter(([, why]) => why === undefined)).toEqual([])
  })
})

describe('the judgement', () => {
  it('takes a bounded time, whatever the 256 characters', () => {
    const hostile = [
      '1234567890',
      '@4$50!1|3',
      'a',
      'password',
      'p@ssw0rd1!',
      '12/05/1990',
      'b0y$ g1rl5 4nd th3 ',
      'a-b_c d.',
      '0O1lI|',
      '31415926535897932384626433832795',
      '\u0301',
      '😀',
      '1'.repeat(31).concat('2'),
      'ﬃ',
    ].map((text) => text.repeat(256).slice(0, 256))
    isGuessable('the dictionaries are read by now', [])
    for (const password of hostile) {
      const started = performance.now()
      isGuessable(password, [])
      expect([password, performance.now() - started < 2_000]).toEqual([password, true])
    }
  })

  it.each([
    ['14 characters', 'k9Xw2mQz7LpV4t', 'Use at least 15 characters; a few words in a row are fine.'],
    ['257 characters', 'k9Xw2mQz7LpV4t'.repeat(19).slice(0, 257), 'Use at most 256 characters.'],
    ['the address', 'alice.smith82-2024', 'This password is easy to guess, because it is made of your email address.'],
    [
      'anything else',
      'summer2024summer2024',
      'This password is easy to guess. Use four or more words that do not belong together.',
    ],
  ])('gives one plain sentence about %s', async (_, password, why) => {
    expect(await judge(password)).toBe(why)
  })

  it('counts characters as people do, in the form in which they are compared', async () => {
    expect(await judge('é'.normalize('NFD').repeat(14))).toMatch(/^Use at least 15/)
    expect(await judge('🧭k9Xw2mQz7LpV4t')).toBeUndefined()
  })
})
