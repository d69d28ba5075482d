using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Http;
using Thomas.Studio.Http;
using Thomas.Studio.Models;

namespace Thomas.Studio.Calls;

/// <summary>Models: list, import, download, delete.</summary>
internal static class ModelCalls
{
    public static void AddTo(Routes routes, StudioHome home)
    {
        routes.Add("GET", "models", request => request.Reply(All(home), StudioJson.Default.IReadOnlyListModelReply));
        routes.Add("POST", "models", request => Import(request, home));
        routes.Add("POST", "models/pull", async request =>
        {
            NameRequest asked = await request.ReadJson(StudioJson.Default.NameRequest);
            string task = home.Pulls.Begin(asked.Name ?? throw StudioException.Bad("'name' is missing."));
            await request.Reply(new TaskReply(task), StudioJson.Default.TaskReply, StatusCodes.Status202Accepted);
        });
        routes.Add("DELETE", "models/*", request =>
        {
            StoredModel model = home.Models.Find(request.Part(0));
            if (home.Projects.Uses(model.Id)) throw StudioException.Conflict(ErrorCode.ModelInUse, "A project has this model; delete the project first.");
            home.Models.Delete(model.Id);
            return request.ReplyDone();
        });
    }

    private static List<ModelReply> All(StudioHome home)
    {
        List<ModelReply> models = [];
        foreach (StoredModel model in home.Models.All()) models.Add(model.ToReply(model.IsStarter ? home.Models.StarterShare : null));
        return models;
    }

    private static async Task Import(StudioRequest request, StudioHome home)
    {
        string name = ModelStore.Shown(request.Query("name"));
        using (await home.Imports.Enter(request.Aborted))
        {
            // To a file first: a model may be larger than what memory is left.
            string received = home.Models.NewReceived();
            try
            {
                await using (FileStream file = new(received, FileMode.CreateNew, FileAccess.Write, FileShare.None))
                    await request.CopyBody(file, home.Settings.Limits.ModelBytes, ErrorCode.TooLarge);
                StoredModel model = await Task.Run(
                    () => home.Models.Import(path => File.Move(received, path), name, CancellationToken.None), CancellationToken.None);
                await request.Reply(model.ToReply(), StudioJson.Default.ModelReply);
            }
            finally
            {
                TemporaryFile.TryDelete(received);
            }
        }
    }
}
