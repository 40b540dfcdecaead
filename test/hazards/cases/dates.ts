import { type Hazard, monthly, months } from './hazard.js';

const rows = (dates: readonly string[]) => monthly(dates.map((date, i) => `${date},${i},1.${i}`));

const read = (name: string, dates: readonly string[], first: string, last: string, note?: string): Hazard => ({
  name,
  content: rows(dates),
  reads: { dates: [first, last], ...(note === undefined ? {} : { note }) },
});

const refused = (name: string, dates: readonly string[], refuses: string): Hazard => ({
  name,
  content: rows(dates),
  refuses,
});

/** Formats, orders, duplicates, frequencies. */
export const dateHazards: readonly Hazard[] = [
  read('ISO days', ['2020-01-31', '2020-02-29', '2020-03-31'], '2020-01-31', '2020-03-31', ''),
  read('first days of months', ['2020-01-01', '2020-02-01', '2020-03-01'], '2020-01-31', '2020-03-31'),
  read('ISO months', ['2020-01', '2020-02'], '2020-01-31', '2020-02-29'),
  read('ISO days with slashes', ['2020/01/31', '2020/02/29'], '2020-01-31', '2020-02-29'),
  read('German days', ['31.01.2020', '29.02.2020', '31.3.2020'], '2020-01-31', '2020-03-31'),
  read('American days', ['1/31/2020', '2/29/2020', '3/31/2020'], '2020-01-31', '2020-03-31', ''),
  read('British days', ['31/01/2020', '29/02/2020', '31/03/2020'], '2020-01-31', '2020-03-31', 'read as DD/MM/YYYY'),
  read(
    'first-of-month labels, month first',
    months(14).map((month) => `${Number(month.slice(5))}/1/${month.slice(0, 4)}`),
    '2020-01-31',
    '2021-02-28',
    'read as MM/DD/YYYY',
  ),
  read(
    'first-of-month labels, day first',
    months(14).map((month) => `1/${Number(month.slice(5))}/${month.slice(0, 4)}`),
    '2020-01-31',
    '2021-02-28',
    'read as DD/MM/YYYY',
  ),
  refused(
    'month or day first, nobody knows',
    ['1/2/2020', '2/3/2020', '3/4/2020'],
    'FILE:2:1: "1/2/2020" may be month or',
  ),
  {
    name: 'month or day first, declared day first',
    content: rows(['1/2/2020', '1/3/2020', '1/4/2020']),
    options: { dateOrder: 'dmy' },
    reads: { dates: ['2020-02-29', '2020-04-30'] },
  },
  refused(
    'month first, then day first',
    ['1/31/2020', '29/2/2020'],
    'FILE:3:1: "29/2/2020" is not a day of the calendar',
  ),
  read('midnights', ['2020-01-31T00:00:00Z', '2020-02-29 00:00'], '2020-01-31', '2020-02-29'),
  read('YYYYMMDD', ['20200131', '20200229'], '2020-01-31', '2020-02-29'),
  read('YYYYMM', ['202001', '202002'], '2020-01-31', '2020-02-29'),
  read('quarter labels', ['2020-Q1', '2020-Q2'], '2020-03-31', '2020-06-30'),
  read('quarter labels without dash, in small letters', ['2020q1', '2020q2'], '2020-03-31', '2020-06-30'),
  read('quarter labels of statistics offices', ['2020:Q1', '2020:Q2'], '2020-03-31', '2020-06-30'),
  read('years', ['2018', '2019', '2020'], '2018-12-31', '2020-12-31'),
  read('weeks by Wednesdays', ['2020-01-01', '2020-01-08', '2020-01-15'], '2020-01-03', '2020-01-17'),
  read('29 February', ['2020-02-29', '2020-03-31'], '2020-02-29', '2020-03-31'),
  refused('29 February of 2021', ['2021-01-31', '2021-02-29'], 'FILE:3:1: "2021-02-29" is not a day of the calendar'),
  refused('29 February of 1900', ['1900-01-31', '1900-02-29'], 'FILE:3:1: "1900-02-29" is not a day of the calendar'),
  refused('month 13', ['2020-12', '2020-13'], 'FILE:3:1: "2020-13" is not a day of the calendar'),
  refused('day 0', ['2020-01-00', '2020-02-00'], 'FILE:2:1: "2020-01-00" is not a day of the calendar'),
  refused('quarter 5', ['2020-Q4', '2020-Q5'], 'FILE:3:1: "2020-Q5" is not a date like the others'),
  refused(
    'years of two digits',
    ['1/31/20', '2/29/20'],
    'FILE:2:1: "1/31/20" is not a date; write years with four digits',
  ),
  refused(
    'Excel serial numbers',
    ['43861', '43890'],
    'FILE:2:1: "43861" is not a date; it may be Excel\'s serial number of 2020-01-31',
  ),
  refused('Unix times', ['1580428800', '1582934400'], 'FILE:2:1: "1580428800" is not a date'),
  refused(
    'a time of day',
    ['2020-01-31 16:00', '2020-02-29 16:00'],
    'FILE:2:1: "2020-01-31 16:00" is not a date; write the day alone',
  ),
  refused(
    'a time zone',
    ['2020-01-31T00:00:00+02:00', '2020-02-29T00:00:00+02:00'],
    'FILE:2:1: "2020-01-31T00:00:00+02:00" is not a date; write the day alone, without time and time zone',
  ),
  {
    name: 'times with a zone in a column called timestamp',
    content: 'timestamp,A\n2020-01-01T00:00:00.000+0000,1\n2020-02-01T00:00:00.000+0000,2\n',
    refuses: 'FILE:2:1: "2020-01-01T00:00:00.000+0000" is not a date; write the day alone',
  },
  refused('months with a point', ['202001.0', '202002.0'], 'FILE:2:1: "202001.0" is not a date; write dates as'),
  refused('quarters before the year', ['Q1 2020', 'Q2 2020'], 'FILE:2:1: "Q1 2020" is not a date; write dates as'),
  refused('months of two-digit years', ['01/20', '02/20'], 'FILE:2:1: "01/20" is not a date; write dates as'),
  read('short month names', ['Jan 2020', 'Feb 2020'], '2020-01-31', '2020-02-29', ''),
  read('days with short month names', ['31-Jan-2020', '29-Feb-2020'], '2020-01-31', '2020-02-29', ''),
  read('days as SAS writes them', ['31JAN2020', '29FEB2020'], '2020-01-31', '2020-02-29', ''),
  refused(
    'whole month names',
    ['January 2020', 'February 2020'],
    'FILE:2:1: "January 2020" is not a date; write dates as',
  ),
  refused(
    'short month names in German',
    ['Mär 2020', 'Okt 2020'],
    'FILE:2:1: "Mär 2020" is not a date; write dates as',
  ),
  refused('a month that is none', ['Jan 2020', 'Okt 2020'], 'FILE:3:1: "Okt 2020" is not a day of the calendar'),
  refused(
    'days with month names and years of two digits',
    ['31-Jan-20', '29-Feb-20'],
    'FILE:2:1: "31-Jan-20" is not a date; write years with four digits',
  ),
  refused('an empty date', ['2020-01', '', '2020-03'], 'FILE:3:1: "" is not a date like the others'),
  refused('a total below the data', ['2020-01', '2020-02', 'Total'], 'FILE:4:1: "Total" is not a date like the others'),
  refused(
    'a footnote below the data',
    ['2020-01', '2020-02', 'Source: BLS'],
    'FILE:4:1: "Source: BLS" is not a date like',
  ),
  refused(
    'two ways of writing dates',
    ['2020-01-31', '2/29/2020'],
    'FILE:3:1: "2/29/2020" is not a date like the others; write all dates of a file one way',
  ),
  read('descending dates', ['2020-03', '2020-02', '2020-01'], '2020-01-31', '2020-03-31', 'have been sorted'),
  read('dates in no order', ['2020-02', '2020-01', '2020-03'], '2020-01-31', '2020-03-31', 'have been sorted'),
  refused(
    'a date twice',
    ['2020-01', '2020-02', '2020-01'],
    'FILE:4:1: 2020-01-31 stands here again; its first row is line 2',
  ),
  refused(
    'a date twice with the same values',
    ['2020-01-31', '2020-02-29', '2020-02-29'],
    'FILE:4:1: 2020-02-29 stands here again',
  ),
  refused(
    'two rows of one date and no other',
    ['2020-01-31', '2020-01-31'],
    'FILE:3:1: 2020-01-31 stands here again; its first row is line 2; keep one row a date',
  ),
  refused(
    'a date twice where the others have no rhythm',
    ['2020-01-01', '2020-01-01', '2021-03-05', '2021-03-09'],
    'FILE:3:1: 2020-01-01 stands here again; its first row is line 2',
  ),
  refused(
    'two days of one month in a monthly file',
    ['2020-01-31', '2020-02-28', '2020-03-03', '2020-03-31', '2020-04-30', '2020-05-31'],
    'FILE:5:1: 2020-03-31 lies in one period (M) with the date on line 4',
  ),
  refused('one date alone', ['2020-01'], 'FILE:2:1: there is one date only'),
  refused(
    'dates without a rhythm',
    ['2020-01-01', '2020-03-01', '2021-01-01'],
    'FILE:4:1: the distances between dates',
  ),
  read('a month left out', ['2020-01', '2020-02', '2020-04', '2020-05'], '2020-01-31', '2020-05-31'),
  read('the year 1000', ['1000-01', '1000-02'], '1000-01-31', '1000-02-28'),
  read('the year 9999', ['9999-11', '9999-12'], '9999-11-30', '9999-12-31'),
  {
    name: 'quarterly values among monthly ones',
    content: monthly(months(24).map((month, i) => `${month},${i},${i % 3 === 2 ? 1 + i / 3 : ''}`)),
    reads: { values: { B: [0, 1, 2, 3, 4, 5, 6, 7].map((quarter) => 1 + (3 * quarter + 2) / 3) } },
  },
];
