//! Types for the references, made from the schema that the product reads by.

use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const SCHEMA: &str = "../crates/pagewire-live/src/douyin/douyin.proto";

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed={SCHEMA}");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let schema = Path::new(SCHEMA);
    let folder = schema.parent().ok_or("a file is in a folder")?;
    let mut compiler = protox::Compiler::new([folder])?;
    compiler.open_file(schema)?;
    std::fs::write(
        out.join("douyin.fds"),
        compiler.encode_file_descriptor_set(),
    )?;
    let plain = prost_build::Config::new();
    types(plain, &compiler, out.join("plain"))?;
    let mut short = prost_build::Config::new();
    short.field_attribute(".", "#[serde(skip_serializing_if = \"super::is_default\")]");
    types(short, &compiler, out.join("short"))
}

fn types(mut config: prost_build::Config, of: &protox::Compiler, to: PathBuf) -> Result<()> {
    std::fs::create_dir_all(&to)?;
    config.type_attribute(
        ".",
        "#[derive(serde::Serialize)] #[serde(rename_all = \"camelCase\")]",
    );
    config.out_dir(to).compile_fds(of.file_descriptor_set())?;
    Ok(())
}
