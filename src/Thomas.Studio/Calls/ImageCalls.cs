using System;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Studio.Http;
using Thomas.Studio.Projects;

namespace Thomas.Studio.Calls;

/// <summary>Images of a project, and what networks make of images.</summary>
internal static class ImageCalls
{
    private const int UsualCount = 60, MostCount = 500, UsualTop = 5, MostTop = 1000;

    public static void AddTo(Routes routes, StudioHome home)
    {
        routes.Add("POST", "projects/*/images", request => Add(request, home));
        routes.Add("GET", "projects/*/images", async request =>
        {
            long after = request.Number("after", 0, 1, long.MaxValue);
            int count = (int)request.Number("count", UsualCount, 1, MostCount);
            using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
            await request.Reply(use.Project.List(request.Query("class"), after == 0 ? null : after, count), StudioJson.Default.ItemsReply);
        });
        routes.Add("GET", "projects/*/images/*", async request =>
        {
            using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
            (byte[] encoded, string type) = use.Project.Picture(Item(request));
            await request.ReplyBytes(encoded, type);
        });
        routes.Add("DELETE", "projects/*/images/*", async request =>
        {
            using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
            use.Project.Remove(Item(request));
            await request.Reply(use.Project.State(), StudioJson.Default.StateReply);
        });
        routes.Add("PUT", "projects/*/images/*", async request =>
        {
            RelabelRequest asked = await request.ReadJson(StudioJson.Default.RelabelRequest);
            using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
            use.Project.Relabel(Item(request), ProjectCalls.ClassName(asked.Class));
            await request.Reply(use.Project.State(), StudioJson.Default.StateReply);
        });
        routes.Add("POST", "projects/*/classify", request => Classify(request, home));
        routes.Add("GET", "projects/*/report", async request =>
        {
            using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
            await request.Reply(use.Project.Report(request.Query("which") ?? "head"), StudioJson.Default.ReportReply);
        });
        routes.Add("POST", "projects/*/export", request => Export(request, home));
    }

    private static async Task Add(StudioRequest request, StudioHome home)
    {
        string @class = ProjectCalls.ClassName(request.Query("class"));
        using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
        using (await home.Heavy.Enter(request.Aborted))
        {
            byte[] encoded = await request.ReadBody(home.Settings.Limits.ImageBytes, ErrorCode.ImageTooLarge);

            // From here on it is done, whether somebody waits for the answer or not.
            AddedReply added = await Task.Run(() => use.Project.Add(@class, encoded), CancellationToken.None);
            await request.Reply(added, StudioJson.Default.AddedReply);
        }
    }

    private static async Task Classify(StudioRequest request, StudioHome home)
    {
        int top = (int)request.Number("top", UsualTop, 1, MostTop);
        string which = request.Query("which") ?? "head";
        using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
        using (await home.Heavy.Enter(request.Aborted))
        {
            byte[] encoded = await request.ReadBody(home.Settings.Limits.ImageBytes, ErrorCode.ImageTooLarge);
            ClassifyReply reply = await Task.Run(() => use.Project.Classify(which, encoded, top), request.Aborted);
            await request.Reply(reply, StudioJson.Default.ClassifyReply);
        }
    }

    private static async Task Export(StudioRequest request, StudioHome home)
    {
        ExportRequest asked = await request.ReadJson(StudioJson.Default.ExportRequest);
        string ending = asked.Format switch
        {
            "tflite" => ".tflite",
            "onnx" => ".onnx",
            _ => throw StudioException.Bad("'format' must be tflite or onnx."),
        };
        using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
        using (await home.Imports.Enter(request.Aborted))
        {
            string path = await Task.Run(() => use.Project.Export(asked.Which ?? "head", ending), CancellationToken.None);
            byte[] file = await File.ReadAllBytesAsync(path, request.Aborted);
            request.Response.Headers["X-Thomas-Saved"] = Uri.EscapeDataString(Path.GetFileName(path));
            string name = Uri.EscapeDataString(use.Project.Description.Name + ending);
            request.Response.Headers.ContentDisposition = $"attachment; filename=\"model{ending}\"; filename*=UTF-8''{name}";
            await request.ReplyBytes(file, "application/octet-stream");
        }
    }

    private static long Item(StudioRequest request) => long.TryParse(request.Part(1), NumberStyles.None, CultureInfo.InvariantCulture, out long item)
        ? item
        : throw StudioException.NotFound("There is no such image.");
}
