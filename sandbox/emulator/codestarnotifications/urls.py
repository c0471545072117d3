from sandbox.emulator.codestarnotifications.responses import CodeStarNotificationsResponse

url_bases = [r"https?://codestar-notifications\.(.+)\.amazonaws\.com"]
url_paths = {
    "{0}/<operation>$": CodeStarNotificationsResponse.dispatch,
    "{0}/untagResource/<path:resourceArn>$": CodeStarNotificationsResponse.dispatch,
}
