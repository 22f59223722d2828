//! The figures through NVML, the driver's management library. It is opened when it is first asked: where the
//! driver or its library is absent there are no figures, and nothing else is different. Not yet run on a GPU.

use candle_core::Device;
use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;

use crate::protocol::event::GpuFigures;

/// The name that NVML knows `device` by: CUDA's numbers depend on `CUDA_VISIBLE_DEVICES`, this does not.
pub(super) fn uuid(device: &Device) -> Option<String> {
    let context = device.as_cuda_device().ok()?.cuda_stream().context().clone();
    Some(written(context.uuid().ok()?.bytes.map(|byte| byte as u8)))
}

/// Reads the GPU of that name; `None` without the library, and for a GPU that it does not know (a MIG slice has no
/// figures of its own).
pub(super) fn reader(uuid: String) -> Option<Box<dyn FnMut() -> Option<GpuFigures>>> {
    let nvml = Nvml::init().ok()?;
    nvml.device_by_uuid(uuid.as_str()).ok()?;
    Some(Box::new(move || read(&nvml, &uuid)))
}

fn read(nvml: &Nvml, uuid: &str) -> Option<GpuFigures> {
    let gpu = nvml.device_by_uuid(uuid).ok()?;
    let memory = gpu.memory_info().ok();
    let figures = GpuFigures {
        utilisation: gpu.utilization_rates().ok().map(|rates| f64::from(rates.gpu) / 100.0),
        memory_used: memory.as_ref().map(|memory| memory.used),
        memory_total: memory.as_ref().map(|memory| memory.total),
        temperature: gpu.temperature(TemperatureSensor::Gpu).ok(),
        // In milliwatts.
        power: gpu.power_usage().ok().map(|power| f64::from(power) / 1000.0),
    };
    (figures != GpuFigures::default()).then_some(figures)
}

/// A UUID as the driver writes it: digits in groups of 8, 4, 4, 4 and 12.
fn written(bytes: [u8; 16]) -> String {
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    let [first, second, third, fourth, last] =
        [0..8, 8..12, 12..16, 16..20, 20..32].map(|group| &digits[group]);
    format!("GPU-{first}-{second}-{third}-{fourth}-{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_is_named_as_the_driver_names_it() {
        let bytes = [0xb1, 0x02, 0x7f, 0x3c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0xff];
        assert_eq!(written(bytes), "GPU-b1027f3c-0001-0203-0405-060708090aff");
    }

    #[test]
    fn a_gpu_that_no_driver_knows_is_not_read() {
        assert!(reader(written([0; 16])).is_none());
    }
}
