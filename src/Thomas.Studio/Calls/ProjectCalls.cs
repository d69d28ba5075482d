using System.Threading.Tasks;
using Thomas.Studio.Http;
using Thomas.Studio.Models;
using Thomas.Studio.Projects;

namespace Thomas.Studio.Calls;

/// <summary>Projects and their classes.</summary>
internal static class ProjectCalls
{
    private const int ProjectCharacters = 80, ClassCharacters = 64;

    public static void AddTo(Routes routes, StudioHome home)
    {
        routes.Add("GET", "projects", request => request.Reply(home.Projects.All(), StudioJson.Default.IReadOnlyListProjectReply));
        routes.Add("POST", "projects", async request =>
        {
            NewProjectRequest asked = await request.ReadJson(StudioJson.Default.NewProjectRequest);
            string name = AllCalls.Name(asked.Name, ProjectCharacters, "The project's name");
            await request.Reply(home.Projects.Create(name, asked.Model ?? ModelStore.StarterId), StudioJson.Default.ProjectReply);
        });
        routes.Add("GET", "projects/*", async request =>
        {
            using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
            await ReplyState(request, use.Project);
        });
        routes.Add("PUT", "projects/*", async request =>
        {
            NameRequest asked = await request.ReadJson(StudioJson.Default.NameRequest);
            using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
            use.Project.Rename(AllCalls.Name(asked.Name, ProjectCharacters, "The project's name"));
            await ReplyState(request, use.Project);
        });
        routes.Add("DELETE", "projects/*", async request =>
        {
            await home.Projects.Delete(request.Part(0), request.Aborted);
            await request.ReplyDone();
        });
        routes.Add("POST", "projects/*/classes", async request =>
        {
            NameRequest asked = await request.ReadJson(StudioJson.Default.NameRequest);
            using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
            use.Project.AddClass(ClassName(asked.Name));
            await ReplyState(request, use.Project);
        });
        routes.Add("PUT", "projects/*/classes", async request =>
        {
            RenameRequest asked = await request.ReadJson(StudioJson.Default.RenameRequest);
            using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
            use.Project.RenameClass(asked.From ?? throw StudioException.Bad("'from' is missing."), ClassName(asked.To));
            await ReplyState(request, use.Project);
        });
        routes.Add("DELETE", "projects/*/classes", async request =>
        {
            string name = request.Query("name") ?? throw StudioException.Bad("'name' is missing.");
            using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
            use.Project.RemoveClass(name);
            await ReplyState(request, use.Project);
        });
        foreach (bool redo in (bool[])[false, true])
        {
            routes.Add("POST", redo ? "projects/*/redo" : "projects/*/undo", async request =>
            {
                using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
                use.Project.Undo(redo);
                await ReplyState(request, use.Project);
            });
        }
    }

    /// <summary>The name of a class that a request gives.</summary>
    public static string ClassName(string? given) => AllCalls.Name(given, ClassCharacters, "The name of a class");

    private static Task ReplyState(StudioRequest request, Project project) => request.Reply(project.State(), StudioJson.Default.StateReply);
}
