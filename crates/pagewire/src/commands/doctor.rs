pub(crate) async fn run(_a: &crate::cli::DoctorArguments) -> Result<(), crate::exit::Failed> {
    Ok(())
}
