//! Five lines of Python that load an exported file.

use crate::arch::plan::Arch;
use crate::arch::words::Connectivity;
use crate::arch::words::StemKind;
use crate::export::facts::python_text;
use crate::export::onnx::INPUT;
use crate::protocol::question::Around;

/// Lines that run the ONNX file `name`.
pub(super) fn of_onnx(name: &str, arch: &Arch, around: Around) -> Vec<String> {
    let side = arch.input_size;
    let pixels =
        if around.raw { "pixels from 0 to 255" } else { "pixels as `mean` and `std` normalise them" };
    vec![
        "import json, numpy, onnxruntime".into(),
        format!("session = onnxruntime.InferenceSession({})", python_text(name)),
        "names = json.loads(session.get_modelmeta().custom_metadata_map['class_names'])".into(),
        format!("images = numpy.zeros((1, 3, {side}, {side}), 'float32')  # RGB, {pixels}"),
        format!("print(names[session.run(None, {{'{INPUT}': images}})[0][0].argmax()])"),
    ]
}

/// Whether torchvision has a class for networks like `arch`: its bottlenecks and transitions are always there, and a
/// stem can be put in its place.
pub(super) fn is_torchvisions(arch: &Arch) -> bool {
    arch.connectivity == Connectivity::Dense
        && arch.bottleneck
        && (arch.compression == 0.5 || arch.layers.len() == 1)
}

/// Lines that make a network of the safetensors file `name`, or that read it where torchvision has no such network.
pub(super) fn of_safetensors(name: &str, arch: &Arch) -> Vec<String> {
    let file = python_text(name);
    if !is_torchvisions(arch) {
        return vec![
            "from safetensors import safe_open".into(),
            format!("with safe_open({file}, 'pt') as file:"),
            "    tensors = {name: file.get_tensor(name) for name in file.keys()}".into(),
            "    metadata = file.metadata()".into(),
            "print(len(tensors), metadata['architecture'])".into(),
        ];
    }
    let layers: Vec<String> = arch.layers.iter().map(usize::to_string).collect();
    // A tuple of one has a comma behind it.
    let layers = format!("({}{})", layers.join(", "), if layers.len() == 1 { "," } else { "" });
    let (k, stem, classes) = (arch.growth_rate, arch.stem, arch.classes);
    let network = format!("net = torchvision.models.DenseNet({k}, {layers}, {stem}, num_classes={classes})");
    let load = format!("net.eval().load_state_dict(safetensors.torch.load_file({file}), strict=True)");
    match arch.stem_kind {
        StemKind::Imagenet => vec![
            "import torch, torchvision, safetensors.torch".into(),
            network,
            load,
            format!("images = torch.zeros(1, 3, {0}, {0})  # RGB, normalised", arch.input_size),
            "print(net(images).softmax(1))".into(),
        ],
        StemKind::Cifar => vec![
            "import torch, torchvision, safetensors.torch".into(),
            network,
            format!("net.features.conv0 = torch.nn.Conv2d(3, {stem}, 3, padding=1, bias=False)"),
            "del net.features.norm0, net.features.relu0, net.features.pool0".into(),
            load,
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arch() -> Arch {
        Arch {
            layers: vec![2, 3],
            growth_rate: 12,
            connectivity: Connectivity::Dense,
            width: 0,
            bottleneck: true,
            compression: 0.5,
            stem: 24,
            stem_kind: StemKind::Cifar,
            classes: 10,
            input_size: 32,
        }
    }

    #[test]
    fn every_network_is_loaded_in_five_lines() {
        let imagenet = Arch { stem_kind: StemKind::Imagenet, ..arch() };
        let plain = Arch { bottleneck: false, ..arch() };
        for arch in [arch(), imagenet, plain] {
            assert_eq!(of_safetensors("a.safetensors", &arch).len(), 5);
            assert_eq!(of_onnx("a.onnx", &arch, Around::default()).len(), 5);
        }
    }

    #[test]
    fn a_network_is_made_of_torchvisions_class_with_its_own_stem() {
        let lines = of_safetensors("it's.safetensors", &arch());
        assert_eq!(lines[1], "net = torchvision.models.DenseNet(12, (2, 3), 24, num_classes=10)");
        assert!(lines[2].contains("Conv2d(3, 24, 3,"), "{lines:?}");
        assert!(lines[4].contains(r"load_file('it\'s.safetensors')"), "{lines:?}");
        let one = of_safetensors("a", &Arch { layers: vec![4], compression: 1.0, ..arch() });
        assert!(one[1].contains("(12, (4,), 24,"), "{one:?}");
    }

    #[test]
    fn what_torchvision_cannot_compute_is_only_read() {
        for arch in [Arch { bottleneck: false, ..arch() }, Arch { compression: 0.7, ..arch() }] {
            let lines = of_safetensors("a", &arch).join("\n");
            assert!(!lines.contains("torchvision") && lines.contains("safe_open('a', 'pt')"), "{lines}");
        }
    }
}
