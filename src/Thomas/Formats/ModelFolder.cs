using System;
using System.Collections.Generic;
using System.IO;

namespace Thomas.Formats;

/// <summary>What a folder that was given as a model holds, and what to do with it.</summary>
internal static class ModelFolder
{
    private const int Named = 3;

    /// <summary>The rest of a message that begins with the folder's name.</summary>
    public static string Describe(string folder)
    {
        try
        {
            if (Has("saved_model.pb") || Has("saved_model.pbtxt"))
            {
                return "this folder is a TensorFlow SavedModel; convert it to .tflite with tf.lite.TFLiteConverter.from_saved_model, or to .onnx with "
                    + "'python -m tf2onnx.convert --saved-model FOLDER --output model.onnx'";
            }

            List<string> models = [];
            foreach (string file in Directory.EnumerateFiles(folder))
            {
                if (Path.GetExtension(file).ToUpperInvariant() is ".TFLITE" or ".ONNX") models.Add(Path.GetFileName(file));
            }

            models.Sort(StringComparer.Ordinal);
            if (models.Count > 0)
            {
                return $"this is a folder; give the file itself: "
                    + $"{string.Join(", ", models.GetRange(0, Math.Min(Named, models.Count)))}"
                + $"{(models.Count > Named ? $" or one of {models.Count - Named} more" : "")}";
            }

            if (Has("Manifest.json") && Directory.Exists(Path.Combine(folder, "Data")))
            {
                return "this folder is a Core ML package (.mlpackage), which cannot be converted back; give the original .onnx or .tflite model it "
                    + "was converted from";
            }

            if (Has("model.json"))
            {
                return "this folder contains a TensorFlow.js model; convert the model it was converted from to .tflite, or export it as TensorFlow Lite";
            }

            if (Has("config.json") && (Has("model.safetensors") || Has("pytorch_model.bin")))
            {
                return "this folder is a Hugging Face model; export it with 'optimum-cli export onnx --model FOLDER OUTPUT' and give the .onnx file";
            }

            if (Has("inference.pdmodel") || Has("model.pdmodel")) return "this folder contains a Paddle model; convert it to .onnx with paddle2onnx";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"this is a folder that cannot be read: {e.Message}";
        }

        return "this is a folder; give the .tflite or .onnx file itself";

        bool Has(string file) => File.Exists(Path.Combine(folder, file));
    }
}
