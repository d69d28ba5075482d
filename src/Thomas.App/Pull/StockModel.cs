using System;

namespace Thomas.App.Pull;

/// <summary>A model that others publish, with what makes sure that it is the one that is meant.</summary>
/// <param name="Name">What <c>thomas pull</c> calls it.</param>
/// <param name="FileName">Name of the file that it is saved as, unless another is given.</param>
/// <param name="Description">The network, its input and its classes.</param>
/// <param name="Repository">Who publishes it, as owner/name on GitHub.</param>
/// <param name="Commit">The commit that the path is in.</param>
/// <param name="Path">The file in that repository, or the one that lists address and checksum.</param>
/// <param name="License">The license that the publisher gives, as an SPDX identifier.</param>
/// <param name="Sha256">The checksum, in lower-case hexadecimal digits.</param>
/// <param name="Bytes">The length; null where only the checksum is known.</param>
/// <param name="Address">Where it is downloaded from.</param>
/// <param name="Use">The command that a user is likely to want next; <c>{0}</c> is the saved file.</param>
internal sealed record StockModel(
    string Name, string FileName, string Description, string Repository, string Commit, string Path, string License, string Sha256, long? Bytes, Uri Address,
    string Use);
