//! Cumulative exposures from `out/onnx/exposures.onnx` in Rust, for the window in `window.csv`.
//! `ORT_DYLIB_PATH` names the ONNX Runtime library.

use ort::{session::Session, value::Tensor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("window.csv")?;
    let rows: Vec<Vec<f32>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').skip(1).map(|cell| cell.parse().unwrap_or(f32::NAN)).collect())
        .collect();
    let (time, series, values) = (rows.len(), rows[0].len(), rows.concat());
    // docs
    let mut session = Session::builder()?.commit_from_file("out/onnx/exposures.onnx")?;
    let count = session.metadata()?.custom("asset_count")?.ok_or("no asset_count")?.parse::<i64>()?;
    let window = Tensor::from_array(([1, time, series], values))?;
    let assets = Tensor::from_array(([count as usize], (0..count).collect::<Vec<_>>()))?;
    let outputs = session.run(ort::inputs!["factors" => window, "assets" => assets])?;
    let (shape, exposures) = outputs["cumulative"].try_extract_tensor::<f32>()?;
    // end
    for exposure in exposures.chunks(shape[2] as usize) {
        println!("{}", exposure.iter().map(f32::to_string).collect::<Vec<_>>().join(","));
    }
    Ok(())
}
