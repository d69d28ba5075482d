using Thomas.Studio.Http;
using Thomas.Studio.Models;
using Thomas.Studio.Projects;

namespace Thomas.Studio.Runs;

/// <summary>What the runs of a project work with.</summary>
/// <param name="Folder">Their folder.</param>
/// <param name="Cache">Folder for prepared images and features.</param>
/// <param name="Name">Name of the project, for messages.</param>
/// <param name="Model">The network.</param>
/// <param name="Stored">What it is.</param>
/// <param name="Pictures">The images.</param>
/// <param name="Settings">How the studio is run.</param>
/// <param name="Events">Who is told.</param>
/// <param name="Log">What happened.</param>
internal sealed record RunPlace(
    string Folder, string Cache, string Name, Model Model, StoredModel Stored, Pictures Pictures, StudioSettings Settings, EventSource Events, StudioLog Log);
