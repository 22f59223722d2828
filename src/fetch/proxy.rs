//! Which proxy leads to a URL, by the variables of the environment that other programs obey too.

use std::net::IpAddr;

use ureq::http::Uri;

/// The proxy for `uri`, as it is written in the variables that `value` looks up: `https_proxy` or `http_proxy` by the
/// scheme of the URL, else `all_proxy`, none for this machine and for the hosts in `no_proxy`; in small or capital letters.
pub(crate) fn of(uri: &Uri, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let variable = |name: &str| {
        let values = [name.to_owned(), name.to_uppercase()].into_iter().filter_map(|name| value(&name));
        values.map(|value| value.trim().to_owned()).find(|value| !value.is_empty())
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_lowercase();
    if host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()) {
        return None;
    }
    let spared = variable("no_proxy").unwrap_or_default().to_lowercase();
    if spared.split(',').map(str::trim).any(|pattern| covers(pattern, &host)) {
        return None;
    }
    variable(&format!("{}_proxy", uri.scheme_str().unwrap_or("http"))).or_else(|| variable("all_proxy"))
}

/// Whether a pattern of `no_proxy` covers `host`: all, that very name, or a domain it is in.
fn covers(pattern: &str, host: &str) -> bool {
    let domain = pattern.trim_start_matches('*').trim_start_matches('.');
    pattern == "*"
        || !domain.is_empty()
            && (host == domain || host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let value = |name: &str| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        };
        of(&url.parse().unwrap(), value)
    }

    #[test]
    fn the_scheme_chooses_the_variable_in_either_case() {
        let both = [("https_proxy", "http://s:1"), ("HTTP_PROXY", "http://p:2"), ("all_proxy", "http://a:3")];
        assert_eq!(proxy("https://x.org/a", &both).as_deref(), Some("http://s:1"));
        assert_eq!(proxy("http://x.org/a", &both).as_deref(), Some("http://p:2"));
        assert_eq!(proxy("http://x.org/a", &both[2..]).as_deref(), Some("http://a:3"));
        assert_eq!(proxy("http://x.org/a", &both[..1]), None);
        assert_eq!(proxy("http://x.org/a", &[("http_proxy", "")]), None);
    }

    #[test]
    fn this_machine_needs_no_proxy() {
        for host in ["localhost", "127.0.0.1:80", "[::1]:80"] {
            assert_eq!(proxy(&format!("http://{host}/a"), &[("http_proxy", "http://p:2")]), None);
        }
    }

    #[test]
    fn no_proxy_spares_names_and_domains() {
        for (spared, direct) in [
            ("x.org", true),
            ("localhost, .x.org", true),
            ("*.org", true),
            ("*", true),
            ("ex.org", false),
            ("a.x.org", false),
            ("", false),
        ] {
            for variable in ["no_proxy", "NO_PROXY"] {
                let found = proxy("http://www.x.org/a", &[("http_proxy", "http://p:2"), (variable, spared)]);
                assert_eq!(found.is_none(), direct, "{spared}");
            }
        }
    }
}
