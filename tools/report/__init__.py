"""What stands in an account, as a page that people look at and as JSON: read only, from what AWS answers."""
