using System.IO;

namespace Thomas.Formats.TfLite;

/// <summary>Writes TfLite models.</summary>
internal static class TfLiteWriter
{
    public static void Write(Model model, Stream stream) => throw new ThomasException($"Cannot write {model.Info.Name}.");
}
