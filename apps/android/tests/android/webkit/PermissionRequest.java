package android.webkit;

import android.net.Uri;

public abstract class PermissionRequest {
    public abstract Uri getOrigin();

    public abstract void grant(String[] resources);

    public abstract void deny();
}
