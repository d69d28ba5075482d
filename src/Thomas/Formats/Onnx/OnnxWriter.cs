using System.IO;

namespace Thomas.Formats.Onnx;

/// <summary>Writes Onnx models.</summary>
internal static class OnnxWriter
{
    public static void Write(Model model, Stream stream) => throw new ThomasException($"Cannot write {model.Info.Name}.");
}
