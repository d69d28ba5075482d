using System;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Http;
using Thomas.Studio.Http;
using Thomas.Studio.Projects;
using Thomas.Studio.Runs;

namespace Thomas.Studio.Calls;

/// <summary>Training more than the last layer.</summary>
internal static class RunCalls
{
    public static void AddTo(Routes routes, StudioHome home)
    {
        routes.Add("POST", "projects/*/plan", async request =>
        {
            PlanRequest asked = await request.ReadJson(StudioJson.Default.PlanRequest);
            using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
            using (await home.Imports.Enter(request.Aborted))
            {
                PlanReply plan = await Task.Run(() => use.Project.Plan(asked, home.Devices), request.Aborted);
                await request.Reply(plan, StudioJson.Default.PlanReply);
            }
        });
        routes.Add("POST", "projects/*/runs", async request =>
        {
            RunRequest asked = await request.ReadJson(StudioJson.Default.RunRequest);
            using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
            RunReply run = await Task.Run(() => use.Project.BeginRun(asked, home.Devices), CancellationToken.None);
            await request.Reply(run, StudioJson.Default.RunReply, StatusCodes.Status202Accepted);
        });
        Add(routes, home, "pause", run => run.Pause());
        Add(routes, home, "resume", run => run.Resume());
        Add(routes, home, "stop", run => run.Stop());
        routes.Add("DELETE", "projects/*/run", async request =>
        {
            using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
            use.Project.DeleteRun();
            await request.ReplyDone();
        });
    }

    private static void Add(Routes routes, StudioHome home, string what, Action<ProjectRun> act)
    {
        routes.Add("POST", $"projects/*/run/{what}", async request =>
        {
            using ProjectStore.Use use = await home.Projects.Enter(request.Part(0), request.Aborted);
            act(use.Project.Run ?? throw NoRun());
            await request.Reply(use.Project.RunState() ?? throw NoRun(), StudioJson.Default.RunReply);
        });
    }

    private static StudioException NoRun() => StudioException.Conflict(ErrorCode.NoRun, "There is no run.");
}
