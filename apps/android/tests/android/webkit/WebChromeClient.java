package android.webkit;

import android.net.Uri;

public class WebChromeClient {
    public void onReceivedTitle(WebView view, String title) {}

    public void onPermissionRequest(PermissionRequest request) {
        request.deny();
    }

    public boolean onShowFileChooser(WebView view, ValueCallback<Uri[]> callback, FileChooserParams parameters) {
        return false;
    }

    public abstract static class FileChooserParams {
        public abstract String[] getAcceptTypes();

        public abstract int getMode();
    }
}
