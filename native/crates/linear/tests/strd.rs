//! NIST Statistical Reference Datasets, linear regression: certified to 15 digits (nist.gov/itl, StRD).
//! Longley has a test of its own.

use macrograd_linear::{Covariance, Ols, OlsOptions, Panel, Reference, ols};
use macrograd_simd::Control;

/// One reference dataset: a polynomial in x.
struct Dataset {
    name: &'static str,
    x: &'static [f64],
    y: &'static [f64],
    coefficients: &'static [f64],
    standard_errors: &'static [f64],
    residual_sd: f64,
    /// Correct digits that a backward-stable QR in float64 can promise: 15 - log10 of the condition number of the
    /// scaled design, and those that rounding the data itself costs where residuals dwarf the signal.
    digits: f64,
}

const NORRIS_X: [f64; 36] = [
    0.2, 337.4, 118.2, 884.6, 10.1, 226.5, 666.3, 996.3, 448.6, 777.0, 558.2, 0.4, 0.6, 775.5, 666.9, 338.0, 447.5,
    11.6, 556.0, 228.1, 995.8, 887.6, 120.2, 0.3, 0.3, 556.8, 339.1, 887.2, 999.0, 779.0, 11.1, 118.3, 229.2, 669.1,
    448.9, 0.5,
];
const NORRIS_Y: [f64; 36] = [
    0.1, 338.8, 118.1, 888.0, 9.2, 228.1, 668.5, 998.5, 449.1, 778.9, 559.2, 0.3, 0.1, 778.1, 668.8, 339.3, 448.9,
    10.8, 557.7, 228.3, 998.0, 888.8, 119.6, 0.3, 0.6, 557.6, 339.3, 888.0, 998.5, 778.9, 10.2, 117.6, 228.9, 668.4,
    449.2, 0.2,
];
const PONTIUS_X: [f64; 40] = [
    150e3, 300e3, 450e3, 600e3, 750e3, 900e3, 1050e3, 1200e3, 1350e3, 1500e3, 1650e3, 1800e3, 1950e3, 2100e3, 2250e3,
    2400e3, 2550e3, 2700e3, 2850e3, 3000e3, 150e3, 300e3, 450e3, 600e3, 750e3, 900e3, 1050e3, 1200e3, 1350e3, 1500e3,
    1650e3, 1800e3, 1950e3, 2100e3, 2250e3, 2400e3, 2550e3, 2700e3, 2850e3, 3000e3,
];
const PONTIUS_Y: [f64; 40] = [
    0.11019, 0.21956, 0.32949, 0.43899, 0.54803, 0.65694, 0.76562, 0.87487, 0.98292, 1.09146, 1.20001, 1.30822,
    1.41599, 1.52399, 1.63194, 1.73947, 1.84646, 1.95392, 2.06128, 2.16844, 0.11052, 0.22018, 0.32939, 0.43886,
    0.54798, 0.65739, 0.76596, 0.87474, 0.98300, 1.09150, 1.20004, 1.30818, 1.41613, 1.52408, 1.63159, 1.73965,
    1.84696, 1.95445, 2.06177, 2.16829,
];
const WAMPLER_X: [f64; 21] = [
    0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15., 16., 17., 18., 19., 20.,
];
const WAMPLER1_Y: [f64; 21] = [
    1., 6., 63., 364., 1365., 3906., 9331., 19608., 37449., 66430., 111111., 177156., 271453., 402234., 579195.,
    813616., 1118481., 1508598., 2000719., 2613660., 3368421.,
];
const WAMPLER2_Y: [f64; 21] = [
    1.00000, 1.11111, 1.24992, 1.42753, 1.65984, 1.96875, 2.38336, 2.94117, 3.68928, 4.68559, 6.00000, 7.71561,
    9.92992, 12.75603, 16.32384, 20.78125, 26.29536, 33.05367, 41.26528, 51.16209, 63.00000,
];
const WAMPLER3_Y: [f64; 21] = [
    760., -2042., 2111., -1684., 3888., 1858., 11379., 17560., 39287., 64382., 113159., 175108., 273291., 400186.,
    581243., 811568., 1121004., 1506550., 2002767., 2611612., 3369180.,
];
const WAMPLER4_Y: [f64; 21] = [
    75901., -204794., 204863., -204436., 253665., -200894., 214131., -185192., 221249., -138370., 315911., -27644.,
    455253., 197434., 783995., 608816., 1370781., 1303798., 2205519., 2408860., 3444321.,
];
const WAMPLER5_Y: [f64; 21] = [
    7590001., -20479994., 20480063., -20479636., 25231365., -20476094., 20489331., -20460392., 18417449., -20413570.,
    20591111., -20302844., 18651453., -20077766., 21059195., -19666384., 26348481., -18971402., 22480719., -17866340.,
    10958421.,
];
const FILIP_X: [f64; 82] = [
    -6.860120914,
    -4.324130045,
    -4.358625055,
    -4.358426747,
    -6.955852379,
    -6.661145254,
    -6.355462942,
    -6.118102026,
    -7.115148017,
    -6.815308569,
    -6.519993057,
    -6.204119983,
    -5.853871964,
    -6.109523091,
    -5.79832982,
    -5.482672118,
    -5.171791386,
    -4.851705903,
    -4.517126416,
    -4.143573228,
    -3.709075441,
    -3.499489089,
    -6.300769497,
    -5.953504836,
    -5.642065153,
    -5.031376979,
    -4.680685696,
    -4.329846955,
    -3.928486195,
    -8.56735134,
    -8.363211311,
    -8.107682739,
    -7.823908741,
    -7.522878745,
    -7.218819279,
    -6.920818754,
    -6.628932138,
    -6.323946875,
    -5.991399828,
    -8.781464495,
    -8.663140179,
    -8.473531488,
    -8.247337057,
    -7.971428747,
    -7.676129393,
    -7.352812702,
    -7.072065318,
    -6.774174009,
    -6.478861916,
    -6.159517513,
    -6.835647144,
    -6.53165267,
    -6.224098421,
    -5.910094889,
    -5.598599459,
    -5.290645224,
    -4.974284616,
    -4.64454848,
    -4.290560426,
    -3.885055584,
    -3.408378962,
    -3.13200249,
    -8.726767166,
    -8.66695597,
    -8.511026475,
    -8.165388579,
    -7.886056648,
    -7.588043762,
    -7.283412422,
    -6.995678626,
    -6.691862621,
    -6.392544977,
    -6.067374056,
    -6.684029655,
    -6.378719832,
    -6.065855188,
    -5.752272167,
    -5.132414673,
    -4.811352704,
    -4.098269308,
    -3.66174277,
    -3.2644011,
];
const FILIP_Y: [f64; 82] = [
    0.8116, 0.9072, 0.9052, 0.9039, 0.8053, 0.8377, 0.8667, 0.8809, 0.7975, 0.8162, 0.8515, 0.8766, 0.8885, 0.8859,
    0.8959, 0.8913, 0.8959, 0.8971, 0.9021, 0.909, 0.9139, 0.9199, 0.8692, 0.8872, 0.89, 0.891, 0.8977, 0.9035, 0.9078,
    0.7675, 0.7705, 0.7713, 0.7736, 0.7775, 0.7841, 0.7971, 0.8329, 0.8641, 0.8804, 0.7668, 0.7633, 0.7678, 0.7697,
    0.77, 0.7749, 0.7796, 0.7897, 0.8131, 0.8498, 0.8741, 0.8061, 0.846, 0.8751, 0.8856, 0.8919, 0.8934, 0.894, 0.8957,
    0.9047, 0.9129, 0.9209, 0.9219, 0.7739, 0.7681, 0.7665, 0.7703, 0.7702, 0.7761, 0.7809, 0.7961, 0.8253, 0.8602,
    0.8809, 0.8301, 0.8664, 0.8834, 0.8898, 0.8964, 0.8963, 0.9074, 0.9119, 0.9228,
];
const ONES: [f64; 6] = [1.0; 6];

const DATASETS: [Dataset; 8] = [
    Dataset {
        name: "Norris",
        x: &NORRIS_X,
        y: &NORRIS_Y,
        coefficients: &[-0.262323073774029, 1.00211681802045],
        standard_errors: &[0.232818234301152, 0.429796848199937e-3],
        residual_sd: 0.884796396144373,
        digits: 13.0,
    },
    Dataset {
        name: "Pontius",
        x: &PONTIUS_X,
        y: &PONTIUS_Y,
        coefficients: &[0.673565789473684e-3, 0.732059160401003e-6, -0.316081871345029e-14],
        standard_errors: &[0.107938612033077e-3, 0.157817399981659e-9, 0.486652849992036e-16],
        residual_sd: 0.205177424076185e-3,
        digits: 12.0,
    },
    Dataset {
        name: "Wampler1",
        x: &WAMPLER_X,
        y: &WAMPLER1_Y,
        coefficients: &ONES,
        standard_errors: &[0.0; 6],
        residual_sd: 0.0,
        digits: 9.5,
    },
    Dataset {
        name: "Wampler2",
        x: &WAMPLER_X,
        y: &WAMPLER2_Y,
        coefficients: &[1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5],
        standard_errors: &[0.0; 6],
        residual_sd: 0.0,
        digits: 12.0,
    },
    Dataset {
        name: "Wampler3",
        x: &WAMPLER_X,
        y: &WAMPLER3_Y,
        coefficients: &ONES,
        standard_errors: &[
            2152.32624678170,
            2363.55173469681,
            779.343524331583,
            101.475507550350,
            5.64566512170752,
            0.112324854679312,
        ],
        residual_sd: 2360.14502379268,
        digits: 9.0,
    },
    Dataset {
        name: "Wampler4",
        x: &WAMPLER_X,
        y: &WAMPLER4_Y,
        coefficients: &ONES,
        standard_errors: &[
            215232.624678170,
            236355.173469681,
            77934.3524331583,
            10147.5507550350,
            564.566512170752,
            11.2324854679312,
        ],
        residual_sd: 236014.502379268,
        digits: 7.0,
    },
    Dataset {
        name: "Wampler5",
        x: &WAMPLER_X,
        y: &WAMPLER5_Y,
        coefficients: &ONES,
        standard_errors: &[
            21523262.4678170,
            23635517.3469681,
            7793435.24331583,
            1014755.07550350,
            56456.6512170752,
            1123.24854679312,
        ],
        residual_sd: 23601450.2379268,
        digits: 5.0,
    },
    Dataset {
        name: "Filip",
        x: &FILIP_X,
        y: &FILIP_Y,
        coefficients: &[
            -1467.48961422980,
            -2772.17959193342,
            -2316.37108160893,
            -1127.97394098372,
            -354.478233703349,
            -75.1242017393757,
            -10.8753180355343,
            -1.06221498588947,
            -0.670191154593408e-1,
            -0.246781078275479e-2,
            -0.402962525080404e-4,
        ],
        standard_errors: &[
            298.084530995537,
            559.779865474950,
            466.477572127796,
            227.204274477751,
            71.6478660875927,
            15.2897178747400,
            2.23691159816033,
            0.221624321934227,
            0.142363763154724e-1,
            0.535617408889821e-3,
            0.896632837373868e-5,
        ],
        residual_sd: 0.334801051324544e-2,
        digits: 7.0,
    },
];

fn fit(data: &Dataset) -> Ols {
    let columns = data.coefficients.len();
    let design: Vec<f64> = data
        .x
        .iter()
        .flat_map(|x| (0..columns as i32).map(|power| x.powi(power)))
        .collect();
    let panel = Panel::new(&design, data.y, data.x.len(), columns, 1).expect("valid");
    let options = OlsOptions {
        covariance: Covariance::Homoscedastic,
        weights: None,
        reference: Reference::StudentT,
        min_observations: 2,
    };
    ols(&panel, &options, &Control::with_threads(1)).expect("runs")
}

/// Fewest digits in which any of the values agrees with its certificate.
fn digits(actual: impl Iterator<Item = f64>, certified: &[f64]) -> f64 {
    actual
        .zip(certified)
        .map(|(a, c)| -((a - c) / c).abs().max(1e-15).log10())
        .fold(15.0, f64::min)
}

#[test]
fn reference_datasets_are_solved_to_the_digits_of_a_stable_qr() {
    for data in &DATASETS {
        let fit = fit(data);
        let columns = data.coefficients.len();
        assert_eq!(fit.rank[0] as usize, columns, "{}: no column is dropped", data.name);
        let coefficients = digits(fit.coefficients.iter().copied(), data.coefficients);
        let errors = (0..columns).map(|j| fit.covariance[j * columns + j].sqrt());
        let condition = fit.condition[0];
        println!(
            "{:9} condition {condition:.1e} coefficients {coefficients:.1}",
            data.name
        );
        assert!(coefficients >= data.digits, "{}: {coefficients:.1} digits", data.name);
        if data.residual_sd > 0.0 {
            let errors = digits(errors, data.standard_errors);
            let sd = digits(fit.residual_variance.iter().map(|v| v.sqrt()), &[data.residual_sd]);
            println!("          errors {errors:.1} residual SD {sd:.1}");
            assert!(
                errors.min(sd) >= data.digits,
                "{}: {errors:.1}, {sd:.1} digits",
                data.name
            );
        } else {
            // An exact fit: what is left is the rounding of coefficients times powers of x.
            let size = data.y.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
            assert!(fit.residual_variance[0].sqrt() < 1e-10 * size, "{}", data.name);
        }
        assert!(condition.is_finite() && condition > 1.0);
    }
}

#[test]
fn a_polynomial_beyond_float64_is_refused_with_an_infinite_condition_number() {
    let filip = DATASETS.last().expect("Filip");
    let wider = Dataset {
        coefficients: &[0.0; 24],
        ..Dataset { ..*filip }
    };
    let fit = fit(&wider);
    assert!((fit.rank[0] as usize) < 24);
    assert!(fit.condition[0].is_infinite());
    assert!(
        fit.coefficients.iter().any(|b| b.is_nan()),
        "a dropped column has no coefficient"
    );
}
