using System.IO;
using Google.Protobuf;
using Thomas.Formats.Onnx.Proto;

namespace Thomas.Formats.Onnx;

/// <summary>
/// Writes ONNX models of operator set 17. Images are NCHW, as ONNX's operators want them, unless the model came from an ONNX file with NHWC images.
/// Initializers point into the graph's constants, so weights are copied only where their order differs.
/// </summary>
internal static class OnnxWriter
{
    /// <summary>Highest that the runtimes of 2022 and later read; 18 and 19 brought nothing that classifiers need.</summary>
    private const int Opset = 17;

    private const int IrVersion = 8;

    public static void Write(Model model, Stream stream)
    {
        ImageLayout layout = model.Info is { SourceFormat: ModelFormat.Onnx, InputLayout: ImageLayout.Nhwc } ? ImageLayout.Nhwc : ImageLayout.Nchw;
        ModelProto proto = new()
        {
            IrVersion = IrVersion,
            ProducerName = "Thomas",
            Graph = new OnnxEmitter(model, layout).Emit(),
        };
        proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = Opset });
        OnnxMetadata.Write(model.Info, layout, proto);
        using CodedOutputStream output = new(stream, leaveOpen: true);
        proto.WriteTo(output);
    }
}
